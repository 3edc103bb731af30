// The main thread's side of one job's worker, wherever that runs: what it may be told, and what it is sure to report.
import { DomainError } from '../errors.ts';
import type { JobCommand, JobMessage } from './protocol.ts';

export interface JobHost {
  tell(command: JobCommand): void;
  /** Counts up while the worker gets on; a worker that does not is silent. */
  beats(): number;
  /** Ends the worker now, whatever it does. `reason` completes "The job's worker ended (…)". */
  terminate(reason?: string): void;
}

export interface JobHostHandlers {
  /** In the order in which the worker sent them; the last is `done` or `failed`. */
  onMessage(message: JobMessage): void;
  /** The worker is gone. Called once, after the last message. */
  onExit(): void;
}

/** Between a worker and its handlers: one last word, even where the worker had none, then one end, then nothing. */
export class JobChannel {
  readonly #handlers: JobHostHandlers;
  #hasLastWord = false;
  #isOver = false;

  constructor(handlers: JobHostHandlers) {
    this.#handlers = handlers;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  deliver(message: JobMessage): void {
    if (this.#isOver || this.#hasLastWord) return;
    this.#hasLastWord = message.type === 'done' || message.type === 'failed';
    this.#handlers.onMessage(message);
  }

  /** The worker ended, or is about to, and will say no more. */
  lost(reason: string): void {
    const detail = `The job's worker ended (${reason}); its last checkpoint stands. Train again to go on from it.`;
    this.deliver({
      type: 'failed',
      error: { code: 'worker_lost', message: new DomainError('worker_lost', detail).message },
    });
  }

  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onExit();
  }
}
