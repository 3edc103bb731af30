// Jobs: asked for, watched, cancelled. When they run is the scheduler's business, what is known of them the journal's.

import type { Hyperparameters } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import type { Engines } from '../compute/engines.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import { DomainError } from '../errors.ts';
import type { AgentRow, AgentStore } from '../storage/agents.ts';
import type { CheckpointRow } from '../storage/checkpoints.ts';
import type {
  JobEvent,
  JobFilter,
  JobLogLine,
  JobRow,
  JobState,
  JobStore,
  MetricQuery,
  MetricSeries,
} from '../storage/jobs.ts';
import type { Page, PageQuery } from '../storage/page.ts';
import type { TransitionStore } from '../storage/transitions.ts';
import { environmentOf } from '../workers/agent-environment.ts';
import type { EnvironmentPool } from '../workers/environment-pool.ts';
import type { Checkpoints } from './checkpoints.ts';
import { belongsTo, findAgent } from './find-agent.ts';
import { newId } from './ids.ts';
import { EVALUATION_SEED, isTraining, type JobConfig } from './job-config.ts';
import type { JobJournal } from './job-journal.ts';
import { admit, bytesOf, type MemoryDemand, type MemoryLimits } from './job-memory.ts';
import { newProgress } from './job-progress.ts';
import {
  type EvaluateRequest,
  evaluateConfig,
  type LearnRequest,
  learnConfig,
  type TrainRequest,
  trainConfig,
} from './job-request.ts';
import { isAtWork, isTerminal } from './job-states.ts';
import { assertReplayOnDevice } from './replay-placement.ts';
import type { Replays } from './replays.ts';
import type { Scheduler } from './scheduler.ts';
import { looseReplayOf } from './transitions.ts';

/** A job as it is shown: without what only the scheduler needs. */
export type JobRecord = Omit<JobRow, 'startCheckpointId' | 'attempts' | 'lastEventId'>;

/** Called with a new job, in the transaction that creates it. */
type Within = (job: JobRecord) => void;

const DEFAULT_MAX_QUEUED = 1000;

export class Jobs {
  readonly #store: JobStore;
  readonly #agents: AgentStore;
  readonly #checkpoints: Checkpoints;
  readonly #journal: JobJournal;
  readonly #scheduler: Scheduler;
  readonly #engines: Engines;
  readonly #pool: EnvironmentPool;
  readonly #transitions: TransitionStore;
  readonly #replays: Replays;
  readonly #memory: MemoryLimits;
  readonly #defaults: { readonly engine: string; readonly threads: number };
  /** Jobs that may wait. */
  readonly maxQueued: number;

  constructor(options: {
    readonly store: JobStore;
    readonly agents: AgentStore;
    readonly checkpoints: Checkpoints;
    readonly journal: JobJournal;
    readonly scheduler: Scheduler;
    readonly engines: Engines;
    /** Makes environments, to see whether they can be made. */
    readonly pool: EnvironmentPool;
    readonly transitions: TransitionStore;
    readonly replays: Replays;
    readonly memory: MemoryLimits;
    readonly defaults: { readonly engine: string; readonly threads: number };
    readonly maxQueued?: number;
  }) {
    this.#store = options.store;
    this.#agents = options.agents;
    this.#checkpoints = options.checkpoints;
    this.#journal = options.journal;
    this.#scheduler = options.scheduler;
    this.#engines = options.engines;
    this.#pool = options.pool;
    this.#transitions = options.transitions;
    this.#replays = options.replays;
    this.#memory = options.memory;
    this.#defaults = options.defaults;
    this.maxQueued = options.maxQueued ?? DEFAULT_MAX_QUEUED;
  }

  /** Queues training. Throws `agent_training` where the agent trains already, `engine_not_available`, `memory_limit`, `capacity_reached`. */
  async train(agentId: string, request: TrainRequest, within: Within = () => undefined): Promise<JobRecord> {
    environmentOf(this.#agent(agentId));
    await this.#checkWrappers(this.#agent(agentId), request.wrappers.length === 0 ? [] : [request.wrappers]);
    const engine = await this.#engines.find(request.engine ?? this.#defaults.engine);
    // From here on without a pause: two requests at once must not both find the agent idle.
    const agent = this.#agent(agentId);
    this.assertNotTraining(agentId, 'train it again');
    if (request.numEnvs > 1 && findAlgorithm(agent.algorithm).kind === 'planning') {
      throw new DomainError(
        'invalid_request',
        `num_envs is ${request.numEnvs}, but ${agent.algorithm} plans and steps no environment; leave num_envs out.`,
      );
    }
    if (request.replayPlacement === 'device')
      assertReplayOnDevice(findAlgorithm(agent.algorithm), engine.name, request.engine);
    const config = trainConfig(request, engine.name, this.#defaults.threads);
    admit(demandOf(agent, config), this.#largestOthers(), this.#memory);
    return this.#enqueue(agent, 'train', config, {
      checkpointId: agent.checkpointId,
      seed: request.seed ?? agent.seed,
      totalTimesteps: config.total_timesteps,
      labels: request.labels,
      within,
    });
  }

  /**
   * Queues learning from the transitions that the agent was given, and from its replay. Throws `transitions_unsupported`, `too_few_transitions`, and
   * what `train` throws.
   */
  async learn(agentId: string, request: LearnRequest, within: Within = () => undefined): Promise<JobRecord> {
    const { batchSize } = looseReplayOf(this.#agent(agentId));
    const engine = await this.#engines.find(request.engine ?? this.#defaults.engine);
    let checkpointId: string;
    let held: number;
    do {
      ({ checkpointId } = this.#agent(agentId));
      held = await this.#replays.sizeOf(checkpointId);
    } while (this.#agent(agentId).checkpointId !== checkpointId);
    // From here on without a pause: two requests at once must not both find the agent idle.
    const agent = this.#agent(agentId);
    this.assertNotTraining(agentId, 'let it learn');
    const counts = this.#transitions.counts(agentId);
    if (held + counts.pending < batchSize) {
      throw new DomainError(
        'too_few_transitions',
        `Agent ${agentId} has ${counts.pending} transitions to learn from, and ${held} in its replay; an update draws batch_size = ${batchSize}. Send more (POST /v1/agents/${agentId}/transitions).`,
      );
    }
    const config = learnConfig(request, counts, engine.name, this.#defaults.threads);
    admit(demandOf(agent, config), this.#largestOthers(), this.#memory);
    return this.#enqueue(agent, 'learn', config, {
      checkpointId,
      seed: request.seed ?? agent.seed,
      totalTimesteps: config.transitions,
      labels: request.labels,
      within,
    });
  }

  /** Queues an evaluation. Throws `checkpoint_incompatible` where the checkpoint is of another agent, `invalid_wrapper` or `invalid_kwargs`. */
  async evaluate(agentId: string, request: EvaluateRequest, within: Within = () => undefined): Promise<JobRecord> {
    environmentOf(this.#agent(agentId));
    await this.#checkWrappers(
      this.#agent(agentId),
      request.perturbations.map((wish) => [wish]),
    );
    const engine = await this.#engines.find(this.#defaults.engine);
    const agent = this.#agent(agentId);
    const checkpoint = this.#checkpoints.row(request.checkpointId ?? agent.checkpointId);
    if (checkpoint.agentId !== agentId) {
      throw new DomainError(
        'checkpoint_incompatible',
        `Checkpoint ${checkpoint.id} ${belongsTo(checkpoint.agentId)}, not to ${agentId}; evaluate an agent that is made of it.`,
      );
    }
    const config = evaluateConfig(request, checkpoint.id, engine.name);
    return this.#enqueue(agent, 'evaluate', config, {
      checkpointId: checkpoint.id,
      seed: request.seed ?? EVALUATION_SEED,
      totalTimesteps: 0,
      labels: request.labels,
      within,
    });
  }

  get(id: string): JobRecord {
    return this.#journal.get(id);
  }

  list(query: PageQuery & JobFilter): Page<JobRecord> {
    this.#journal.flushForReading();
    return this.#store.list(query);
  }

  /** The job once it has ended, `seconds` are up or `signal` aborts. */
  async wait(id: string, seconds: number, signal: AbortSignal): Promise<JobRecord> {
    if (isTerminal(this.get(id).state) || seconds === 0 || signal.aborted) return this.get(id);
    let unsubscribe: (() => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      unsubscribe = this.#journal.subscribe(
        id,
        this.#journal.get(id).lastEventId,
        (event) => event.type === 'job.done' && resolve(),
      );
      timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearTimeout(timer);
    unsubscribe?.();
    return this.get(id);
  }

  cancel(id: string): JobRecord {
    return this.#scheduler.cancel(id);
  }

  /** Throws `invalid_state_transition` where the job has ended or is being cancelled. */
  pause(id: string): JobRecord {
    return this.#scheduler.pause(id);
  }

  /** Throws `invalid_state_transition` unless the job is paused, and `disk_full` where there is no room for it to write. */
  resume(id: string): JobRecord {
    return this.#scheduler.resume(id);
  }

  delete(id: string): void {
    const { state } = this.get(id);
    if (!isTerminal(state)) {
      throw new DomainError(
        'invalid_state_transition',
        `Job ${id} is ${state}; cancel it and wait for its end before deleting it.`,
      );
    }
    this.#store.delete(id);
  }

  events(id: string, query: { readonly after: number; readonly limit: number }): JobEvent[] {
    this.get(id);
    this.#journal.flushForReading();
    return this.#store.events(id, query);
  }

  subscribe(id: string, { after }: { readonly after: number }, listener: (event: JobEvent) => void): () => void {
    return this.#journal.subscribe(id, after, listener);
  }

  logs(id: string, query: { readonly after: number; readonly limit: number }): JobLogLine[] {
    this.get(id);
    this.#journal.flushForReading();
    return this.#store.logs(id, query);
  }

  metrics(id: string, query: MetricQuery): MetricSeries[] {
    this.get(id);
    this.#journal.flushForReading();
    return this.#store.metrics(id, query);
  }

  /** The job that trains the agent, or waits to; null = none. */
  trainingJobOf(agentId: string): string | null {
    return this.#training(agentId)?.id ?? null;
  }

  /** Throws `agent_training` where a job of the agent has not ended. `before` completes "… wait for its end before you …". */
  assertIdle(agentId: string, before: string): void {
    assertNone(this.#unfinished(agentId)[0], before);
  }

  /** As `assertIdle`, of jobs that change the agent. */
  assertNotTraining(agentId: string, before: string): void {
    assertNone(this.#training(agentId), before);
  }

  /** A checkpoint that the agent's running training writes now; null where none runs. */
  checkpointOfRunning(agentId: string): Promise<CheckpointRow> | null {
    const job = this.#training(agentId);
    return job === undefined ? null : this.#scheduler.checkpoint(job.id);
  }

  /** A job that has not ended and would have to begin at this checkpoint; null = none. */
  neededBy({ id, jobId }: CheckpointRow): string | null {
    const job = this.#journal
      .unfinished()
      .find((candidate) => candidate.startCheckpointId === id || candidate.id === jobId);
    return job?.id ?? null;
  }

  counts(): { running: number; queued: number; paused: number } {
    const states = this.#journal.unfinished().map(({ state }) => state);
    const queued = states.filter((state) => state === 'queued').length;
    const paused = states.filter((state) => state === 'paused').length;
    return { running: states.filter(isAtWork).length, queued, paused };
  }

  countsByState(): ReadonlyMap<JobState, number> {
    return this.#store.countsByState();
  }

  /** Of all jobs that run, together. */
  pace(): { stepsPerSecond: number; updatesPerSecond: number } {
    const running = this.#journal.unfinished().filter(({ state }) => isAtWork(state));
    return {
      stepsPerSecond: running.reduce((sum, { progress }) => sum + progress.stepsPerSecond, 0),
      updatesPerSecond: running.reduce((sum, { progress }) => sum + progress.updatesPerSecond, 0),
    };
  }

  #enqueue(
    agent: AgentRow,
    type: JobRow['type'],
    config: JobConfig,
    start: {
      readonly checkpointId: string;
      readonly seed: number;
      readonly totalTimesteps: number;
      readonly labels: Readonly<Record<string, string>>;
      readonly within: Within;
    },
  ): JobRow {
    this.#scheduler.assertNotHeld();
    if (this.counts().queued >= this.maxQueued) {
      throw new DomainError(
        'capacity_reached',
        `${this.maxQueued} jobs are waiting, the most this server queues; cancel some or wait.`,
      );
    }
    const now = new Date();
    const job: JobRow = {
      id: newId('job'),
      type,
      state: 'queued',
      agentId: agent.id,
      config: { ...config },
      seed: start.seed,
      progress: newProgress(start.totalTimesteps),
      metrics: {},
      error: null,
      result: null,
      labels: start.labels,
      startCheckpointId: start.checkpointId,
      attempts: 0,
      lastEventId: 0,
      createdAt: now,
      startedAt: null,
      endedAt: null,
      updatedAt: now,
    };
    this.#journal.add(job, () => start.within(job));
    this.#scheduler.schedule();
    return this.#journal.get(job.id);
  }

  /** Bytes of the training jobs that may run beside another one: of all that have not ended, the largest for which there are slots. */
  #largestOthers(): number[] {
    return this.#journal
      .unfinished()
      .filter(changesAgent)
      .map((job) => bytesOf(demandOf(this.#agent(job.agentId), job.config as unknown as JobConfig)))
      .sort((a, b) => b - a)
      .slice(0, this.#scheduler.slots - 1);
  }

  /** Throws `invalid_wrapper` or `invalid_kwargs` now, where the job would much later. */
  async #checkWrappers(agent: AgentRow, lists: readonly (readonly WrapperWish[])[]): Promise<void> {
    if (lists.length === 0) return;
    const spaces = { observation: agent.observationSpace, action: agent.actionSpace };
    const identity = environmentOf(agent);
    await this.#pool.askAny({ type: 'checkWrappers', identity, spaces, lists });
  }

  #unfinished(agentId: string): JobRow[] {
    return this.#journal.unfinished().filter((job) => job.agentId === agentId);
  }

  #training(agentId: string): JobRow | undefined {
    return this.#unfinished(agentId).find(changesAgent);
  }

  #agent(id: string): AgentRow {
    return findAgent(this.#agents, id);
  }
}

const changesAgent = ({ type }: JobRow): boolean => type !== 'evaluate';

function assertNone(job: JobRow | undefined, before: string): void {
  if (job === undefined) return;
  throw new DomainError(
    'agent_training',
    `Agent ${job.agentId} is in use by ${job.id} (${job.type}, ${job.state}); cancel the job or wait for its end before you ${before}.`,
  );
}

function demandOf(agent: AgentRow, config: JobConfig): MemoryDemand {
  const algorithm = findAlgorithm(agent.algorithm);
  const spaces = algorithm.checkSpaces(agent.observationSpace, agent.actionSpace);
  const hyperparameters = agent.hyperparameters as Hyperparameters;
  const demand = { algorithm, hyperparameters, spaces };
  if (!isTraining(config)) return { ...demand, numEnvs: 1, replayPlacement: 'host', isLoose: true };
  return { ...demand, numEnvs: config.num_envs, replayPlacement: config.replay_placement ?? 'host' };
}
