// Environments that clients create and step. They live in worker threads and die with the server.
import { renderModesOf } from '../envs/env.ts';
import { findSpec } from '../envs/registry.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import { elementTensor, type TensorData } from '../envs/spaces/tensor-data.ts';
import { DomainError } from '../errors.ts';
import { NEWEST, type Page, type PageQuery, pageOf } from '../storage/page.ts';
import { EnvironmentPool, type EnvironmentWorkerData } from '../workers/environment-pool.ts';
import type { EnvironmentPlan, MadeEnvironment } from '../workers/protocol.ts';
import { VectorBlocks, type VectorPlan } from '../workers/vector-blocks.ts';
import { assertObservationsFit, numbersOf } from './answer-size.ts';
import type {
  CheckReply,
  CheckRequest,
  EnvironmentRecord,
  LiveRecord,
  NewEnvironment,
  ResetReply,
  ResetRequest,
  RolloutAnimation,
  RolloutReply,
  RolloutRequest,
  StepReply,
  StepRequest,
  VectorResetReply,
  VectorStepReply,
} from './environment-record.ts';
import { type ActingPolicy, rollOutIn } from './environment-rollouts.ts';
import { restoreSnapshot, type SnapshotFile, takeSnapshot } from './environment-snapshots.ts';
import { newId } from './ids.ts';
import {
  type Attachment,
  type EnvironmentLimits,
  type Live,
  LiveEnvironments,
  recordOf,
  repeatedAnswer,
  workerOf,
} from './live-environments.ts';
import { ReplyWindow, windowOf } from './reply-window.ts';

/** A check of a vector environment looks at so many at most: more show nothing new. */
const CHECKED_SUB_ENVIRONMENTS = 4;

export class Environments {
  readonly #pool: EnvironmentPool;
  readonly #environments: LiveEnvironments;
  readonly #policyOf: (agentId: string) => ActingPolicy;
  #nextWorker = 0;
  #steps = 0;

  constructor(options: {
    readonly workers: number;
    readonly workerData: EnvironmentWorkerData;
    readonly limits?: Partial<EnvironmentLimits>;
    /** For how long one call of a worker may take; 0, as where absent, = as long as it does. */
    readonly callLimitMs?: number;
    /** What an agent acts with now. Throws `agent_not_found`. */
    readonly policyOf?: (agentId: string) => ActingPolicy;
  }) {
    this.#pool = new EnvironmentPool({
      size: options.workers,
      workerData: options.workerData,
      callLimitMs: options.callLimitMs ?? 0,
      onWorkerLost: (worker, reason) => this.#environments.loseWorker(worker, reason),
    });
    this.#environments = new LiveEnvironments(this.#pool, options.limits ?? {});
    this.#policyOf = options.policyOf ?? noAgents;
  }

  /** Those that live, sub-environments counted. */
  get count(): number {
    return this.#environments.count;
  }

  get limit(): number {
    return this.#environments.limit;
  }

  /** Taken since the start, those of sub-environments and rollouts counted. */
  get steps(): number {
    return this.#steps;
  }

  async create(wanted: NewEnvironment): Promise<EnvironmentRecord> {
    const size = wanted.vector?.numEnvs ?? 1;
    return await this.#environments.withRoom(size, async () => {
      const spec = findSpec(wanted.specId);
      const renderModes = renderModesOf(spec);
      const renderMode = wanted.renderMode ?? renderModes[0];
      if (!renderModes.includes(renderMode)) throw unknownRenderMode(spec.id, renderMode, renderModes);
      const id = newId('env');
      const { seed, kwargs, wrappers, maxEpisodeSteps, labels, idleTtlS, lingerS = null } = wanted;
      const plan = { id, specId: spec.id, kwargs, wrappers, maxEpisodeSteps, seed };
      const { made, workers, vector } = await this.#make(plan, wanted.vector);
      try {
        assertObservationsFit(size, 'sub-environments', made.observationSpace);
      } catch (error) {
        await this.#close(id, workers);
        throw error;
      }
      const now = Date.now();
      const record: LiveRecord = {
        id,
        specId: spec.id,
        seed,
        kwargs,
        wrappers,
        ...made,
        renderMode,
        vector: wanted.vector,
        labels,
        idleTtlS,
        lingerS,
        episodeStep: vector === null ? 0 : null,
        episodeReturn: vector === null ? 0 : null,
        seq: 0,
        needsReset: true,
        createdAt: new Date(now),
      };
      const live: Live = {
        record,
        updatedAt: now,
        idleSince: now,
        workers,
        vector,
        turn: Promise.resolve(),
        waiting: 0,
        answers: new ReplyWindow(windowOf(numbersOf(made.observationSpace), size)),
        attached: new Set(),
        linger: null,
        nextSeed: seed,
      };
      this.#environments.add(live);
      return recordOf(live);
    });
  }

  get(id: string): EnvironmentRecord {
    return recordOf(this.#environments.find(id));
  }

  /**
   * Tells `attachment` when the environment goes, which until `detach` does not expire. Returns how many of its last answers may be
   * asked for again. Throws what `get` throws.
   */
  attach(id: string, attachment: Attachment): { readonly window: number; readonly lastSeq: number } {
    this.#environments.attach(id, attachment);
    const { answers, record } = this.#environments.find(id);
    return { window: answers.size, lastSeq: record.seq };
  }

  detach(id: string, attachment: Attachment): void {
    this.#environments.detach(id, attachment);
  }

  list({ pageSize, pageToken, labels = {} }: PageQuery): Page<EnvironmentRecord> {
    const wanted = Object.entries(labels);
    const records = this.#environments
      .all()
      .filter((record) => wanted.every(([name, value]) => record.labels[name] === value))
      .reverse();
    const start = pageToken ?? NEWEST;
    return pageOf(records.filter(({ id }) => id < start).slice(0, pageSize + 1), pageSize);
  }

  async delete(id: string): Promise<void> {
    const { workers } = this.#environments.find(id);
    this.#environments.forget(id, `was deleted at ${new Date().toISOString()}`);
    await this.#close(id, workers);
  }

  /** Throws `invalid_request` for what a single environment does not take: a list of seeds, a mask. */
  async reset(id: string, request: ResetRequest): Promise<ResetReply | VectorResetReply> {
    return await this.#environments.inTurn(id, async (live) => {
      const { vector, record } = live;
      const { seed, options, resetMask } = request;
      const repeated = repeatedAnswer(live, request.seq ?? null, 'reset');
      if (repeated !== null) return repeated;
      const wanted = seed ?? live.nextSeed;
      const seq = record.seq + 1;
      if (vector !== null) {
        const reply = { ...(await vector.reset({ seed: wanted, options, resetMask })), seq };
        live.record = { ...live.record, seq, needsReset: vector.needsReset };
        live.nextSeed = null;
        live.answers.add(seq, 'reset', reply);
        return reply;
      }
      if (resetMask !== null) throw notVector(id, 'reset_mask');
      if (wanted !== null && typeof wanted !== 'number') throw notVector(id, 'list of seeds');
      const { observation, info } = await this.#pool.ask(workerOf(live), { type: 'reset', id, seed: wanted, options });
      const position = { seq, episodeStep: 0, episodeReturn: 0 };
      const reply = { observation: elementTensor(record.observationSpace, observation), info, ...position };
      live.record = { ...live.record, ...position, needsReset: false };
      live.nextSeed = null;
      live.answers.add(seq, 'reset', reply);
      return reply;
    });
  }

  /** Throws `invalid_request` for `action` where it takes `actions`, and the other way round. */
  async step(id: string, request: StepRequest): Promise<StepReply | VectorStepReply> {
    return await this.#environments.inTurn(id, async (live) => {
      const { record, vector } = live;
      if ((vector === null) !== 'action' in request) throw wrongActions(record);
      const repeated = repeatedAnswer(live, request.seq, 'step');
      if (repeated !== null) return repeated;
      if (vector === null) return await this.#stepSingle(live, request.action);
      const reply = { ...(await vector.step(request.actions)), seq: record.seq + 1 };
      this.#steps += record.vector?.numEnvs ?? 1;
      live.answers.add(reply.seq, 'step', reply);
      live.record = { ...live.record, seq: reply.seq, needsReset: vector.needsReset };
      return reply;
    });
  }

  /** Many steps in one call, whole or not at all. Throws `invalid_request` for a vector environment. */
  async rollout(id: string, request: RolloutRequest): Promise<RolloutReply | RolloutAnimation> {
    return await this.#environments.inTurn(id, async (live) => {
      const before = live.record.seq;
      const reply = await rollOutIn(this.#pool, live, request, this.#policyOf);
      // A repeated one took no steps.
      if (live.record.seq > before) this.#steps += request.steps ?? request.actions?.length ?? 0;
      return reply;
    });
  }

  /** Of a vector environment, a list of as many as it has sub-environments. */
  async sampleAction(id: string): Promise<{ readonly action: TensorData } | { readonly actions: TensorData }> {
    return await this.#environments.inTurn(id, async (live) => {
      if (live.vector !== null) return { actions: await live.vector.sampleActions() };
      const action = await this.#pool.ask(workerOf(live), { type: 'sampleAction', id });
      return { action: elementTensor(live.record.actionSpace, action) };
    });
  }

  /** A PNG file, of sub-environment `index` of a vector environment, the first where it is null. */
  async render(id: string, { index, options }: { index: number | null; options: RenderOptions }): Promise<Uint8Array> {
    return await this.#environments.inTurn(id, async (live) => {
      if (live.vector !== null) return await live.vector.render(index ?? 0, options);
      if (index !== null) throw notVector(id, 'index');
      return await this.#pool.ask(workerOf(live), { type: 'render', id, index: 0, options });
    });
  }

  /** Gymnasium's `ansi`, of what `render` would draw. Throws `not_acceptable` where the environment has no text. */
  async renderText(id: string, index: number | null): Promise<string> {
    return await this.#environments.inTurn(id, async (live) => {
      if (live.vector !== null) return await live.vector.renderText(index ?? 0);
      if (index !== null) throw notVector(id, 'index');
      return await this.#pool.ask(workerOf(live), { type: 'renderText', id, index: 0 });
    });
  }

  /** The exact state, as one safetensors file. */
  async snapshot(id: string): Promise<SnapshotFile> {
    return await this.#environments.inTurn(id, (live) => takeSnapshot(this.#pool, live));
  }

  /**
   * Puts the environment into the state that `file` holds. Throws `checkpoint_corrupt` or `checkpoint_incompatible` where
   * that cannot be; then nothing has changed.
   */
  async restore(id: string, file: Uint8Array): Promise<EnvironmentRecord> {
    await this.#environments.inTurn(id, (live) => restoreSnapshot(this.#pool, live, file));
    return this.get(id);
  }

  /** Holds new environments that are made like this one to the contract; it takes the room of one environment. */
  async check(id: string, { seed, steps }: CheckRequest): Promise<CheckReply> {
    return await this.#environments.inTurn(id, async (live) => {
      const { specId, kwargs, wrappers, maxEpisodeSteps, vector } = live.record;
      const few = vector && { ...vector, numEnvs: Math.min(vector.numEnvs, CHECKED_SUB_ENVIRONMENTS) };
      const plan = { specId, kwargs, wrappers, maxEpisodeSteps, vector: few, seed, steps };
      const startedMs = performance.now();
      const ask = () => this.#pool.ask(workerOf(live), { type: 'check', ...plan });
      const checks = await this.#environments.withRoom(1, ask);
      return { seed, steps, checks, durationS: (performance.now() - startedMs) / 1000 };
    });
  }

  async close(): Promise<void> {
    this.#environments.close();
    await this.#pool.close();
  }

  async #close(id: string, workers: readonly number[]): Promise<void> {
    await Promise.all(workers.map((worker) => this.#pool.ask(worker, { type: 'close', id })));
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
    this.#steps += 1;
    const position = {
      seq: record.seq + 1,
      episodeStep: (record.episodeStep ?? 0) + 1,
      episodeReturn: (record.episodeReturn ?? 0) + reply.reward,
    };
    const step = { ...reply, observation: elementTensor(record.observationSpace, reply.observation), ...position };
    live.answers.add(step.seq, 'step', step);
    live.record = { ...live.record, ...position, needsReset: reply.terminated || reply.truncated };
    return step;
  }
}

function noAgents(agentId: string): never {
  throw new DomainError('agent_not_found', `There is no agent ${agentId} here.`);
}

function unknownRenderMode(id: string, mode: string, modes: readonly string[]): DomainError {
  return new DomainError('invalid_kwargs', `${id} has no render_mode "${mode}"; it has ${modes.join(', ')}.`);
}

function notVector(id: string, what: string): DomainError {
  return new DomainError('invalid_request', `Environment ${id} is a single one and takes no ${what}.`);
}

function wrongActions({ id, vector }: LiveRecord): DomainError {
  const what =
    vector === null
      ? 'is a single one; send "action"'
      : `has ${vector.numEnvs} sub-environments; send "actions", a list with one for each`;
  return new DomainError('invalid_request', `Environment ${id} ${what}.`);
}
