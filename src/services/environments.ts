// Environments that clients create and step. They live in worker threads and die with the server.

import type { Info } from '../envs/env.ts';
import { findSpec } from '../envs/registry.ts';
import type { JsonTensor, SpaceDocument } from '../envs/spaces/space.ts';
import { DomainError } from '../errors.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from '../storage/page.ts';
import { EnvironmentPool, type EnvironmentWorkerData } from '../workers/environment-pool.ts';
import { newId, timeOf } from './ids.ts';

export interface EnvironmentRecord {
  readonly id: string;
  readonly specId: string;
  /** Seed of the first reset that brings none, and of the sampling of actions; null = from the system's entropy. */
  readonly seed: number | null;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Null where there is no limit. */
  readonly maxEpisodeSteps: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
  readonly episodeStep: number;
  readonly episodeReturn: number;
  /** Number of the last reset or step. */
  readonly seq: number;
  readonly needsReset: boolean;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
}

export interface NewEnvironment {
  readonly specId: string;
  readonly seed: number | null;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly maxEpisodeSteps: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
}

interface Position {
  readonly seq: number;
  readonly episodeStep: number;
  readonly episodeReturn: number;
}

export type ResetReply = Position & { readonly observation: JsonTensor; readonly info: Info };
export type StepReply = ResetReply & {
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
};

interface Live {
  record: EnvironmentRecord;
  readonly worker: number;
  /** Calls on one environment run in order. */
  turn: Promise<unknown>;
  waiting: number;
  /** The answer to the last step, for a client that asks again because it never saw it. */
  lastStep: StepReply | null;
  isFirstReset: boolean;
}

export interface EnvironmentLimits {
  /** How many may live at the same time. */
  readonly environments: number;
  /** Calls on one environment that may wait, the running one counted. */
  readonly waiting: number;
}

const DEFAULT_LIMITS: EnvironmentLimits = { environments: 1000, waiting: 32 };
const SWEEP_EVERY_MS = 5000;
/** Ids of which it is known why they are gone. */
const REMEMBERED = 10_000;

export class Environments {
  readonly #pool: EnvironmentPool;
  readonly #live = new Map<string, Live>();
  /** Why an id that once answered does not any more. */
  readonly #gone = new Map<string, string>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #limits: EnvironmentLimits;
  readonly #startedAt = Date.now();
  #nextWorker = 0;
  /** Environments that a worker is making: they take up room already. */
  #inTheMaking = 0;

  constructor(options: {
    readonly workers: number;
    readonly workerData: EnvironmentWorkerData;
    readonly limits?: Partial<EnvironmentLimits>;
  }) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#pool = new EnvironmentPool({
      size: options.workers,
      workerData: options.workerData,
      onWorkerLost: (worker, reason) => this.#loseWorker(worker, reason),
    });
    this.#sweeper = setInterval(() => this.#expire(), SWEEP_EVERY_MS).unref();
  }

  get count(): number {
    return this.#live.size;
  }

  get limit(): number {
    return this.#limits.environments;
  }

  async create(wanted: NewEnvironment): Promise<EnvironmentRecord> {
    if (this.#live.size + this.#inTheMaking >= this.limit) {
      throw new DomainError(
        'capacity_reached',
        `This server hosts at most ${this.limit} environments and has as many; delete one (DELETE /v1/environments/{id}) and try again.`,
      );
    }
    const spec = findSpec(wanted.specId);
    const id = newId('env');
    const worker = this.#nextWorker++ % this.#pool.size;
    const request = {
      type: 'create',
      id,
      specId: spec.id,
      kwargs: wanted.kwargs,
      maxEpisodeSteps: wanted.maxEpisodeSteps,
      seed: wanted.seed,
    } as const;
    this.#inTheMaking++;
    const { observationSpace, actionSpace, maxEpisodeSteps } = await this.#pool
      .askFresh(worker, request)
      .finally(() => {
        this.#inTheMaking--;
      });
    const now = new Date();
    const record: EnvironmentRecord = {
      id,
      specId: spec.id,
      seed: wanted.seed,
      kwargs: wanted.kwargs,
      maxEpisodeSteps,
      labels: wanted.labels,
      idleTtlS: wanted.idleTtlS,
      episodeStep: 0,
      episodeReturn: 0,
      seq: 0,
      needsReset: true,
      observationSpace,
      actionSpace,
      createdAt: now,
      updatedAt: now,
      expiresAt: new Date(now.getTime() + wanted.idleTtlS * 1000),
    };
    this.#live.set(id, { record, worker, turn: Promise.resolve(), waiting: 0, lastStep: null, isFirstReset: true });
    return record;
  }

  get(id: string): EnvironmentRecord {
    return this.#find(id).record;
  }

  list({ pageSize, pageToken }: PageQuery): Page<EnvironmentRecord> {
    const records = [...this.#live.values()].map(({ record }) => record).reverse();
    const start = pageToken ?? NEWEST;
    return pageOf(records.filter(({ id }) => id < start).slice(0, pageSize + 1), pageSize);
  }

  async delete(id: string): Promise<void> {
    const { worker } = this.#find(id);
    this.#forget(id, `was deleted at ${new Date().toISOString()}`);
    await this.#pool.ask(worker, { type: 'close', id });
  }

  async reset(
    id: string,
    { seed, options }: { seed: number | null; options: Readonly<Record<string, unknown>> },
  ): Promise<ResetReply> {
    return await this.#inTurn(id, async (live) => {
      const firstSeed = live.isFirstReset ? live.record.seed : null;
      const reply = await this.#pool.ask(live.worker, { type: 'reset', id, seed: seed ?? firstSeed, options });
      live.isFirstReset = false;
      live.lastStep = null;
      const position = { seq: live.record.seq + 1, episodeStep: 0, episodeReturn: 0 };
      live.record = { ...live.record, ...position, needsReset: false };
      return { ...reply, ...position };
    });
  }

  async step(id: string, action: unknown, seq: number | null): Promise<StepReply> {
    return await this.#inTurn(id, async (live) => {
      const { record } = live;
      if (seq !== null && seq === record.seq && live.lastStep !== null) return live.lastStep;
      if (seq !== null && seq !== record.seq + 1) throw sequenceMismatch(record, seq, live.lastStep !== null);
      const reply = await this.#pool.ask(live.worker, { type: 'step', id, action });
      const position = {
        seq: record.seq + 1,
        episodeStep: record.episodeStep + 1,
        episodeReturn: record.episodeReturn + reply.reward,
      };
      live.lastStep = { ...reply, ...position };
      live.record = { ...record, ...position, needsReset: reply.terminated || reply.truncated };
      return live.lastStep;
    });
  }

  async sampleAction(id: string): Promise<JsonTensor> {
    return await this.#inTurn(id, ({ worker }) => this.#pool.ask(worker, { type: 'sampleAction', id }));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#pool.close();
  }

  /** Runs `work` after the calls before it, and renews the environment's life. */
  async #inTurn<T>(id: string, work: (live: Live) => Promise<T>): Promise<T> {
    const live = this.#find(id);
    if (live.waiting >= this.#limits.waiting) {
      throw new DomainError(
        'too_many_requests',
        `Environment ${id} has ${live.waiting} calls waiting, the most it takes; wait for answers before sending more.`,
      );
    }
    live.waiting++;
    // A call that waited while its environment went has nothing left to call.
    const turn = live.turn.then(() => work(this.#find(id)));
    live.turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      live.waiting--;
      const now = new Date();
      live.record = {
        ...live.record,
        updatedAt: now,
        expiresAt: new Date(now.getTime() + live.record.idleTtlS * 1000),
      };
    }
  }

  #find(id: string): Live {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const why = this.#gone.get(id);
    if (why !== undefined) {
      throw new DomainError('environment_gone', `Environment ${id} ${why}; create another with POST /v1/environments.`);
    }
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

  #forget(id: string, why: string): void {
    this.#live.delete(id);
    this.#gone.set(id, why);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= REMEMBERED) break;
      this.#gone.delete(oldest);
    }
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, { record, worker, waiting }] of this.#live) {
      if (waiting > 0 || record.expiresAt.getTime() > now) continue;
      this.#forget(id, `expired after ${record.idleTtlS} idle seconds (idle_ttl_s)`);
      // A worker that is lost meanwhile has closed it in its own way.
      this.#pool.ask(worker, { type: 'close', id }).catch(() => undefined);
    }
  }

  #loseWorker(worker: number, reason: string): void {
    for (const [id, live] of this.#live) {
      if (live.worker === worker) this.#forget(id, `was lost with its worker thread (${reason})`);
    }
  }
}

function sequenceMismatch({ id, seq: last }: EnvironmentRecord, seq: number, wasStep: boolean): DomainError {
  const again = wasStep ? `, or ${last} to get the last answer again` : '';
  return new DomainError(
    'sequence_mismatch',
    `seq is ${seq} and environment ${id} has done call ${last}; send ${last + 1} for the next step${again}.`,
  );
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}
