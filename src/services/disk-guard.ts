// Keeps the disk of the data directory from running full: jobs are paused while what is left still holds their checkpoints.
import { statfs } from 'node:fs/promises';
import { show } from './job-memory.ts';

/** Often enough for a reserve of a few checkpoints; a look costs microseconds. */
const LOOK_EVERY_MS = 2000;

export class DiskGuard {
  readonly #dataDir: string;
  readonly #reserveBytes: number;
  readonly #onShort: (why: string) => void;
  readonly #onRoom: () => void;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: {
    readonly dataDir: string;
    /** Bytes that are to stay free; 0 = the disk may run full. */
    readonly reserveBytes: number;
    /** Called at each look while there is less; `why` says what is short, and ends with what to do about it. */
    readonly onShort: (why: string) => void;
    /** Called at each look while there is enough. */
    readonly onRoom: () => void;
    readonly onError: (error: unknown) => void;
  }) {
    this.#dataDir = options.dataDir;
    this.#reserveBytes = options.reserveBytes;
    this.#onShort = options.onShort;
    this.#onRoom = options.onRoom;
    this.#onError = options.onError;
  }

  /** Looks once, then every few seconds. */
  async start(): Promise<void> {
    if (this.#reserveBytes === 0) return;
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#dataDir);
      const free = bavail * bsize;
      if (free >= this.#reserveBytes) this.#onRoom();
      else
        this.#onShort(
          `the disk of ${this.#dataDir} has ${show(free)} left, less than the ${show(this.#reserveBytes)} of --disk-reserve; free space`,
        );
    } catch (error) {
      this.#onError(error);
    }
  }
}
