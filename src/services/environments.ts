// Environments that clients create and step. They live in worker threads and die with the server.

import type { Info } from '../envs/env.ts';
import { findSpec } from '../envs/registry.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import type { JsonTensor, SpaceDocument } from '../envs/spaces/space.ts';
import type { Seeds } from '../envs/vector/vector-env.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import { DomainError } from '../errors.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from '../storage/page.ts';
import { EnvironmentPool, type EnvironmentWorkerData } from '../workers/environment-pool.ts';
import type { EnvironmentPlan, MadeEnvironment } from '../workers/protocol.ts';
import { VectorBlocks, type VectorPlan, type VectorReset, type VectorStep } from '../workers/vector-blocks.ts';
import { newId, timeOf } from './ids.ts';

export interface EnvironmentRecord {
  readonly id: string;
  readonly specId: string;
  /** Seed of the first reset that brings none, and of the sampling of actions; null = from the system's entropy. */
  readonly seed: number | null;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Around the environment, the first innermost. */
  readonly wrappers: readonly WrapperWish[];
  /** Null where there is no limit. */
  readonly maxEpisodeSteps: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
  /** Null for a single environment. */
  readonly vector: VectorPlan | null;
  /** Null for a vector environment: its sub-environments' episodes begin and end one by one. */
  readonly episodeStep: number | null;
  readonly episodeReturn: number | null;
  /** Number of the last reset or step. */
  readonly seq: number;
  readonly needsReset: boolean;
  /** In a vector environment those of one sub-environment. */
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
  /** Around the environment, the first innermost. */
  readonly wrappers: readonly WrapperWish[];
  readonly maxEpisodeSteps: number | null;
  /** Null for a single environment. */
  readonly vector: VectorPlan | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
}

export interface ResetRequest {
  readonly seed: Seeds | null;
  readonly options: Readonly<Record<string, unknown>>;
  /** Null for all. */
  readonly resetMask: readonly boolean[] | null;
}

/** Either, as the environment is single or a vector. */
export interface StepRequest {
  readonly action?: unknown;
  readonly actions?: unknown;
  readonly seq: number | null;
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

export type VectorResetReply = VectorReset & { readonly seq: number };
export type VectorStepReply = VectorStep & { readonly seq: number };

interface Live {
  record: EnvironmentRecord;
  /** Without any of them it is gone; a single environment has one. */
  readonly workers: readonly number[];
  readonly vector: VectorBlocks | null;
  /** Calls on one environment run in order. */
  turn: Promise<unknown>;
  waiting: number;
  /** The answer to the last step, for a client that asks again because it never saw it. */
  lastStep: StepReply | VectorStepReply | null;
  isFirstReset: boolean;
}

export interface EnvironmentLimits {
  /** How many may live at the same time, sub-environments counted. */
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
  #count = 0;
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

  /** Those that live, sub-environments counted. */
  get count(): number {
    return this.#count;
  }

  get limit(): number {
    return this.#limits.environments;
  }

  async create(wanted: NewEnvironment): Promise<EnvironmentRecord> {
    const size = wanted.vector?.numEnvs ?? 1;
    if (this.#count + this.#inTheMaking + size > this.limit) throw this.#full(size);
    const spec = findSpec(wanted.specId);
    const id = newId('env');
    const plan = {
      id,
      specId: spec.id,
      kwargs: wanted.kwargs,
      wrappers: wanted.wrappers,
      maxEpisodeSteps: wanted.maxEpisodeSteps,
      seed: wanted.seed,
    };
    this.#inTheMaking += size;
    const { made, workers, vector } = await this.#make(plan, wanted.vector).finally(() => {
      this.#inTheMaking -= size;
    });
    const now = new Date();
    const record: EnvironmentRecord = {
      id,
      specId: spec.id,
      seed: wanted.seed,
      kwargs: wanted.kwargs,
      wrappers: wanted.wrappers,
      ...made,
      vector: wanted.vector,
      labels: wanted.labels,
      idleTtlS: wanted.idleTtlS,
      episodeStep: vector === null ? 0 : null,
      episodeReturn: vector === null ? 0 : null,
      seq: 0,
      needsReset: true,
      createdAt: now,
      updatedAt: now,
      expiresAt: new Date(now.getTime() + wanted.idleTtlS * 1000),
    };
    const idle = { turn: Promise.resolve(), waiting: 0, lastStep: null, isFirstReset: true };
    this.#live.set(id, { record, workers, vector, ...idle });
    this.#count += size;
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
    const { workers } = this.#find(id);
    this.#forget(id, `was deleted at ${new Date().toISOString()}`);
    await Promise.all(workers.map((worker) => this.#pool.ask(worker, { type: 'close', id })));
  }

  /** Throws `invalid_request` for what a single environment does not take: a list of seeds, a mask. */
  async reset(id: string, { seed, options, resetMask }: ResetRequest): Promise<ResetReply | VectorResetReply> {
    return await this.#inTurn(id, async (live) => {
      const { vector, record } = live;
      const wanted = seed ?? (live.isFirstReset ? record.seed : null);
      const seq = record.seq + 1;
      if (vector !== null) {
        const reply = await vector.reset({ seed: wanted, options, resetMask });
        live.record = { ...live.record, seq, needsReset: vector.needsReset };
        began(live);
        return { ...reply, seq };
      }
      if (resetMask !== null) throw notVector(id, 'reset_mask');
      if (wanted !== null && typeof wanted !== 'number') throw notVector(id, 'list of seeds');
      const reply = await this.#pool.ask(workerOf(live), { type: 'reset', id, seed: wanted, options });
      const position = { seq, episodeStep: 0, episodeReturn: 0 };
      live.record = { ...live.record, ...position, needsReset: false };
      began(live);
      return { ...reply, ...position };
    });
  }

  /** Throws `invalid_request` for `action` where it takes `actions`, and the other way round. */
  async step(id: string, request: StepRequest): Promise<StepReply | VectorStepReply> {
    return await this.#inTurn(id, async (live) => {
      const { record, vector } = live;
      const { seq } = request;
      if ((vector === null) !== 'action' in request) throw wrongActions(record);
      if (seq !== null && seq === record.seq && live.lastStep !== null) return live.lastStep;
      if (seq !== null && seq !== record.seq + 1) throw sequenceMismatch(record, seq, live.lastStep !== null);
      if (vector === null) return await this.#stepSingle(live, request.action);
      live.lastStep = { ...(await vector.step(request.actions)), seq: record.seq + 1 };
      live.record = { ...live.record, seq: live.lastStep.seq, needsReset: vector.needsReset };
      return live.lastStep;
    });
  }

  /** Of a vector environment, a list of as many as it has sub-environments. */
  async sampleAction(id: string): Promise<{ readonly action: JsonTensor } | { readonly actions: JsonTensor }> {
    return await this.#inTurn(id, async (live) => {
      if (live.vector !== null) return { actions: await live.vector.sampleActions() };
      return { action: await this.#pool.ask(workerOf(live), { type: 'sampleAction', id }) };
    });
  }

  /** A PNG file, of sub-environment `index` of a vector environment, the first where it is null. */
  async render(id: string, { index, options }: { index: number | null; options: RenderOptions }): Promise<Uint8Array> {
    return await this.#inTurn(id, async (live) => {
      if (live.vector !== null) return await live.vector.render(index ?? 0, options);
      if (index !== null) throw notVector(id, 'index');
      return await this.#pool.ask(workerOf(live), { type: 'render', id, index: 0, options });
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#pool.close();
  }

  async #make(
    plan: EnvironmentPlan,
    vectorPlan: VectorPlan | null,
  ): Promise<Pick<Live, 'workers' | 'vector'> & { readonly made: MadeEnvironment }> {
    const worker = this.#nextWorker % this.#pool.size;
    if (vectorPlan === null) {
      this.#nextWorker++;
      const made = await this.#pool.askFresh(worker, { type: 'create', ...plan });
      return { made, workers: [worker], vector: null };
    }
    // The next environment goes to the worker after the last block.
    this.#nextWorker += Math.min(vectorPlan.numEnvs, this.#pool.size);
    const vector = await VectorBlocks.create(this.#pool, plan, vectorPlan, worker);
    return { made: vector.made, workers: vector.workers, vector };
  }

  async #stepSingle(live: Live, action: unknown): Promise<StepReply> {
    const { record } = live;
    const reply = await this.#pool.ask(workerOf(live), { type: 'step', id: record.id, action });
    const position = {
      seq: record.seq + 1,
      episodeStep: (record.episodeStep ?? 0) + 1,
      episodeReturn: (record.episodeReturn ?? 0) + reply.reward,
    };
    const step = { ...reply, ...position };
    live.lastStep = step;
    live.record = { ...live.record, ...position, needsReset: reply.terminated || reply.truncated };
    return step;
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
    this.#count -= this.#live.get(id)?.record.vector?.numEnvs ?? 1;
    this.#live.delete(id);
    this.#gone.set(id, why);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= REMEMBERED) break;
      this.#gone.delete(oldest);
    }
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, { record, workers, waiting }] of this.#live) {
      if (waiting > 0 || record.expiresAt.getTime() > now) continue;
      this.#forget(id, `expired after ${record.idleTtlS} idle seconds (idle_ttl_s)`);
      this.#closeIn(workers, id);
    }
  }

  #loseWorker(worker: number, reason: string): void {
    for (const [id, { workers }] of this.#live) {
      if (!workers.includes(worker)) continue;
      this.#forget(id, `was lost with its worker thread (${reason})`);
      this.#closeIn(
        workers.filter((other) => other !== worker),
        id,
      );
    }
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

function workerOf({ workers }: Live): number {
  return workers[0] as number;
}

function began(live: Live): void {
  live.isFirstReset = false;
  live.lastStep = null;
}

function notVector(id: string, what: string): DomainError {
  return new DomainError('invalid_request', `Environment ${id} is a single one and takes no ${what}.`);
}

function wrongActions({ id, vector }: EnvironmentRecord): DomainError {
  const what =
    vector === null
      ? 'is a single one; send "action"'
      : `has ${vector.numEnvs} sub-environments; send "actions", a list with one for each`;
  return new DomainError('invalid_request', `Environment ${id} ${what}.`);
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
