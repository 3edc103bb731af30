// The main thread's side of one job's worker thread.
import { Worker } from 'node:worker_threads';
import { DomainError } from '../errors.ts';
import type { JobAssignment, JobCommand, JobMessage } from './protocol.ts';

export interface JobThreadHandlers {
  /** In the order in which the worker sent them; the last is `done` or `failed`. */
  onMessage(message: JobMessage): void;
  /** The thread is gone. Called once, after the last message. */
  onExit(): void;
}

export class JobThread {
  readonly #worker: Worker;

  constructor(assignment: JobAssignment, { onMessage, onExit }: JobThreadHandlers) {
    this.#worker = new Worker(new URL('./job-worker.js', import.meta.url), { workerData: assignment });
    let ended = false;
    const deliver = (message: JobMessage) => {
      ended ||= message.type === 'done' || message.type === 'failed';
      onMessage(message);
    };
    const fail = (reason: string) => {
      if (ended) return;
      const detail = `The job's worker thread ended (${reason}); its last checkpoint stands. Train again to go on from it.`;
      deliver({
        type: 'failed',
        error: { code: 'worker_lost', message: new DomainError('worker_lost', detail).message },
      });
    };
    this.#worker.on('message', deliver);
    this.#worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', (code) => {
      fail(`exit code ${code}`);
      onExit();
    });
  }

  tell(command: JobCommand): void {
    this.#worker.postMessage(command);
  }

  /** Ends the thread now, whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
