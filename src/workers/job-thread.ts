// A job's worker in a thread of this process.
import { Worker } from 'node:worker_threads';
import { JobChannel, type JobHost, type JobHostHandlers } from './job-host.ts';
import type { JobAssignment, JobCommand, JobMessage, JobStart } from './protocol.ts';

/** Code that never comes back from an addon cannot be ended from outside; the job goes on without it. */
const ABANDON_AFTER_MS = 10_000;

export class JobThread implements JobHost {
  readonly #worker: Worker;
  readonly #channel: JobChannel;
  readonly #heartbeat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor(
    assignment: JobAssignment,
    handlers: JobHostHandlers,
    script = new URL('./job-worker.js', import.meta.url),
  ) {
    const channel = new JobChannel(handlers);
    const workerData: JobStart = { assignment, heartbeat: this.#heartbeat };
    this.#channel = channel;
    this.#worker = new Worker(script, { workerData });
    this.#worker.on('message', (message: JobMessage) => channel.deliver(message));
    this.#worker.on('error', (error) => channel.lost(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', (code) => {
      channel.lost(`exit code ${code}`);
      channel.over();
    });
  }

  tell(command: JobCommand): void {
    this.#worker.postMessage(command);
  }

  beats(): number {
    return Atomics.load(this.#heartbeat, 0);
  }

  terminate(reason = 'it was terminated'): void {
    this.#channel.lost(reason);
    void this.#worker.terminate();
    setTimeout(() => {
      if (this.#channel.isOver) return;
      process.emitWarning(
        `A job's thread does not end and was abandoned: native code in it never returns. Restart the server to be rid of it; with --job-isolation process it would have been killed.`,
      );
      this.#worker.unref();
      this.#channel.over();
    }, ABANDON_AFTER_MS).unref();
  }
}
