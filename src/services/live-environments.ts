// The environments that live: found, waited for, expired, lost. Calls on one of them run in order.
import { DomainError } from '../errors.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import type { VectorBlocks } from '../workers/vector-blocks.ts';
import type { EnvironmentRecord, LiveRecord } from './environment-record.ts';
import { timeOf } from './ids.ts';
import type { Answers, ReplyWindow } from './reply-window.ts';

/** Somebody who stays with an environment, such as a WebSocket. */
export interface Attachment {
  /** The environment is gone, and why. */
  onGone(reason: DomainError): void;
}

export interface Live {
  record: LiveRecord;
  /** When the last call on it ended; milliseconds since 1970, as all times here. */
  updatedAt: number;
  /** What its end by `idle_ttl_s` counts from. */
  idleSince: number;
  /** Without any of them it is gone; a single environment has one. */
  readonly workers: readonly number[];
  readonly vector: VectorBlocks | null;
  /** Calls on one environment run in order. */
  turn: Promise<unknown>;
  waiting: number;
  readonly answers: ReplyWindow;
  readonly attached: Set<Attachment>;
  /** Runs while nobody is attached to an environment that somebody was attached to, where it has a `linger_s`. */
  linger: NodeJS.Timeout | null;
  /** Seed of the next reset that brings none; null where the random numbers go on. */
  nextSeed: number | null;
}

export interface EnvironmentLimits {
  /** How many may live at the same time, sub-environments counted. */
  readonly environments: number;
  /** Calls on one environment that may wait, the running one counted. */
  readonly waiting: number;
}

interface Gone {
  readonly code: 'environment_gone' | 'worker_lost';
  readonly why: string;
}

const DEFAULT_LIMITS: EnvironmentLimits = { environments: 1000, waiting: 32 };
const SWEEP_EVERY_MS = 5000;
/** Ids of which it is known why they are gone. */
const REMEMBERED = 10_000;

export class LiveEnvironments {
  readonly #pool: EnvironmentPool;
  readonly #live = new Map<string, Live>();
  /** Why an id that once answered does not any more. */
  readonly #gone = new Map<string, Gone>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #limits: EnvironmentLimits;
  readonly #startedAt = Date.now();
  #count = 0;
  /** Environments that a worker is making: they take up room already. */
  #inTheMaking = 0;

  constructor(pool: EnvironmentPool, limits: Partial<EnvironmentLimits>) {
    this.#pool = pool;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#sweeper = setInterval(() => this.#expire(), SWEEP_EVERY_MS).unref();
  }

  /** Those that live, sub-environments counted. */
  get count(): number {
    return this.#count;
  }

  get limit(): number {
    return this.#limits.environments;
  }

  /** The newest last. */
  all(): EnvironmentRecord[] {
    return [...this.#live.values()].map(recordOf);
  }

  add(live: Live): void {
    this.#live.set(live.record.id, live);
    this.#count += sizeOf(live);
  }

  /** Runs `make`, which holds `size` environments as long as it runs. Throws `capacity_reached` where they do not fit. */
  async withRoom<T>(size: number, make: () => Promise<T>): Promise<T> {
    if (this.#count + this.#inTheMaking + size > this.limit) throw this.#full(size);
    this.#inTheMaking += size;
    try {
      return await make();
    } finally {
      this.#inTheMaking -= size;
    }
  }

  /** Runs `work` after the calls before it, and renews the environment's life. */
  async inTurn<T>(id: string, work: (live: Live) => Promise<T>): Promise<T> {
    const live = this.find(id);
    if (live.waiting >= this.#limits.waiting) {
      throw new DomainError(
        'too_many_requests',
        `Environment ${id} has ${live.waiting} calls waiting, the most it takes; wait for answers before sending more.`,
      );
    }
    live.waiting++;
    // A call that waited while its environment went has nothing left to call.
    const turn = live.turn.then(() => work(this.find(id)));
    live.turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      live.waiting--;
      live.updatedAt = Date.now();
      live.idleSince = live.updatedAt;
    }
  }

  /** Until `detach`, the environment does not expire. */
  attach(id: string, attachment: Attachment): void {
    const live = this.find(id);
    live.attached.add(attachment);
    stopLingering(live);
  }

  /** Attached or not, gone or not. */
  detach(id: string, attachment: Attachment): void {
    const live = this.#live.get(id);
    if (!live?.attached.delete(attachment) || live.attached.size > 0) return;
    live.idleSince = Date.now();
    const { lingerS } = live.record;
    if (lingerS === null) return;
    const leave = () => {
      this.forget(id, `was deleted ${lingerS} seconds after the last connection to it ended (linger_s)`);
      this.#closeIn(live.workers, id);
    };
    live.linger = setTimeout(leave, lingerS * 1000).unref();
  }

  /** Throws `environment_gone`, `worker_lost` or `environment_not_found`. */
  find(id: string): Live {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const gone = this.#gone.get(id);
    if (gone !== undefined) throw goneError(id, gone);
    const madeAt = timeOf(id, 'env');
    if (madeAt !== null && madeAt < this.#startedAt) {
      throw new DomainError(
        'environment_gone',
        `The id ${id} is from ${dateOf(madeAt)}, and this server started at ${dateOf(this.#startedAt)}; environments do not outlive the server. Create another with POST /v1/environments.`,
      );
    }
    throw new DomainError(
      'environment_not_found',
      `There is no environment ${id}; GET /v1/environments lists those that exist.`,
    );
  }

  /** From now on its id answers with `code` and why. */
  forget(id: string, why: string, code: Gone['code'] = 'environment_gone'): void {
    const live = this.#live.get(id);
    const gone = { code, why };
    this.#live.delete(id);
    this.#gone.set(id, gone);
    if (live !== undefined) {
      this.#count -= sizeOf(live);
      stopLingering(live);
      for (const attachment of live.attached) attachment.onGone(goneError(id, gone));
    }
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= REMEMBERED) break;
      this.#gone.delete(oldest);
    }
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, live] of this.#live) {
      const { record, workers, waiting, attached } = live;
      if (waiting > 0 || attached.size > 0 || expiryOf(live) > now) continue;
      this.forget(id, `expired after ${record.idleTtlS} idle seconds (idle_ttl_s)`);
      this.#closeIn(workers, id);
    }
  }

  /** Ends every environment of which `worker` held a part. */
  loseWorker(worker: number, reason: string): void {
    for (const [id, { workers }] of this.#live) {
      if (!workers.includes(worker)) continue;
      this.forget(id, `was lost with its worker thread (${reason})`, 'worker_lost');
      this.#closeIn(
        workers.filter((other) => other !== worker),
        id,
      );
    }
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const live of this.#live.values()) stopLingering(live);
  }

  #closeIn(workers: readonly number[], id: string): void {
    // A worker that is lost meanwhile has closed it in its own way.
    for (const worker of workers) this.#pool.ask(worker, { type: 'close', id }).catch(() => undefined);
  }

  #full(size: number): DomainError {
    const room = `This server hosts at most ${this.limit} environments`;
    if (size > this.limit)
      return new DomainError('capacity_reached', `${room}, sub-environments counted; num_envs is ${size}, send less.`);
    const use = size === 1 ? 'has as many' : `has ${this.#count + this.#inTheMaking}, so that ${size} more do not fit`;
    return new DomainError(
      'capacity_reached',
      `${room} and ${use}; delete one (DELETE /v1/environments/{id}) and try again.`,
    );
  }
}

/** As clients see it. */
export function recordOf(live: Live): EnvironmentRecord {
  return { ...live.record, updatedAt: new Date(live.updatedAt), expiresAt: new Date(expiryOf(live)) };
}

function expiryOf({ idleSince, record }: Live): number {
  return idleSince + record.idleTtlS * 1000;
}

/** Environments that it counts for. */
function sizeOf({ record }: Live): number {
  return record.vector?.numEnvs ?? 1;
}

/** The one worker of a single environment, the first of a vector environment. */
export function workerOf({ workers }: Live): number {
  return workers[0] as number;
}

/** See `ReplyWindow.repeated`. */
export function repeatedAnswer<K extends keyof Answers>(
  { record, answers }: Live,
  seq: number | null,
  kind: K,
): Answers[K] | null {
  return answers.repeated(record.id, record.seq, seq, kind);
}

function stopLingering(live: Live): void {
  if (live.linger !== null) clearTimeout(live.linger);
  live.linger = null;
}

function goneError(id: string, { code, why }: Gone): DomainError {
  return new DomainError(code, `Environment ${id} ${why}; create another with POST /v1/environments.`);
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}
