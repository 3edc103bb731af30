// Notices workers that fell silent: that count no beat any more for longer than any one call of theirs may take.
import type { JobHost } from '../workers/job-host.ts';

interface Pulse {
  readonly beats: number;
  readonly silentMs: number;
}

/** How much of a silence one look may count: a machine that slept, or a server that was stopped, is not the worker's silence. */
const MOST_BETWEEN_LOOKS = 2;

export class JobWatchdog {
  readonly limitMs: number;
  /** How often to look. */
  readonly everyMs: number;
  readonly #pulses = new WeakMap<JobHost, Pulse>();
  #lookedAt: number | null = null;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
    this.everyMs = Math.min(10_000, limitMs / 4);
  }

  /** Those of `workers` that have been silent for too long, at `now` in milliseconds of a clock that nobody sets. */
  silent<T extends JobHost>(workers: Iterable<T>, now: number): T[] {
    const passed = this.#lookedAt === null ? 0 : Math.min(now - this.#lookedAt, MOST_BETWEEN_LOOKS * this.everyMs);
    this.#lookedAt = now;
    return [...workers].filter((worker) => {
      const beats = worker.beats();
      const before = this.#pulses.get(worker);
      const silentMs = before?.beats === beats ? before.silentMs + passed : 0;
      this.#pulses.set(worker, { beats, silentMs });
      return silentMs > this.limitMs;
    });
  }
}
