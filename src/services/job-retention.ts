// Lets go of jobs that ended long ago, with their events and metrics, and of idempotency keys that nobody repeats any more.
import { setImmediate as turn } from 'node:timers/promises';
import type { IdempotencyStore } from '../storage/idempotency.ts';
import type { JobStore } from '../storage/jobs.ts';
import { KEPT_MS } from './idempotency.ts';

const LOOK_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Rows that one turn of the event loop deletes: a long job has a million, and requests must not wait for them. */
const ROWS_A_TURN = 2000;

export class JobRetention {
  readonly #jobs: JobStore;
  readonly #keys: IdempotencyStore;
  readonly #days: number | null;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly jobs: JobStore;
    readonly keys: IdempotencyStore;
    /** For how long a job stays after its end; null = for good. */
    readonly days: number | null;
    readonly onError: (error: unknown) => void;
  }) {
    this.#jobs = options.jobs;
    this.#keys = options.keys;
    this.#days = options.days;
    this.#onError = options.onError;
  }

  /** Begins now, and again every hour. */
  start(): void {
    const look = () => {
      this.#work = this.sweep(Date.now()).catch(this.#onError);
    };
    look();
    this.#timer = setInterval(look, LOOK_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#work;
  }

  /** Deletes what is too old at `now`, in milliseconds since 1970. */
  async sweep(now: number): Promise<void> {
    this.#keys.deleteBefore(now - KEPT_MS);
    if (this.#days === null) return;
    const before = now - this.#days * DAY_MS;
    for (let id = this.#jobs.endedBefore(before); id !== null && !this.#closed; id = this.#jobs.endedBefore(before)) {
      while (!this.#closed && this.#jobs.deleteSome(id, ROWS_A_TURN)) await turn();
      if (!this.#closed) this.#jobs.delete(id);
      await turn();
    }
  }
}
