// What HTTP needs from the rest of the server. Domain words in camelCase; nothing here knows of JSON names, headers or statuses.
import type { EnvSpec } from '../envs/env.ts';
import type { JsonTensor, SpaceDocument } from '../envs/spaces/space.ts';

export interface Services {
  readonly server: ServerService;
  readonly catalogue: CatalogueService;
  readonly environments: EnvironmentsService;
  readonly agents: AgentsService;
  readonly checkpoints: CheckpointsService;
  readonly jobs: JobsService;
}

export interface PageQuery {
  readonly pageSize: number;
  /** `nextPageToken` of the page before; null for the first. */
  readonly pageToken: string | null;
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly nextPageToken: string | null;
}

export type Labels = Readonly<Record<string, string>>;
type Arguments = Readonly<Record<string, unknown>>;

// --- server ---

export interface ServerInfo {
  readonly version: string;
  readonly engines: readonly { readonly name: string; readonly available: boolean; readonly reason: string | null }[];
  readonly limits: {
    readonly environments: number;
    readonly runningJobs: number;
    readonly queuedJobs: number;
    readonly bodyBytes: number;
  };
  readonly use: {
    readonly environments: number;
    readonly agents: number;
    readonly runningJobs: number;
    readonly queuedJobs: number;
  };
}

export interface ServerService {
  info(): Promise<ServerInfo>;
  /** False while the server starts or drains. */
  ready(): boolean;
}

// --- catalogue ---

export interface AlgorithmInfo {
  readonly name: string;
  readonly summary: string;
  /** JSON Schema. */
  readonly hyperparameters: Arguments;
}

export interface CatalogueService {
  envSpecs(): readonly EnvSpec[];
  /** Throws `env_spec_not_found`. */
  envSpec(id: string): EnvSpec;
  algorithms(): readonly AlgorithmInfo[];
  /** Throws `algorithm_not_found`. */
  algorithm(name: string): AlgorithmInfo;
}

// --- environments ---

export interface EnvironmentRecord {
  readonly id: string;
  readonly specId: string;
  readonly seed: number | null;
  readonly kwargs: Arguments;
  readonly maxEpisodeSteps: number;
  readonly labels: Labels;
  readonly idleTtlS: number;
  readonly episodeStep: number;
  readonly episodeReturn: number;
  /** Resets and steps so far. */
  readonly seq: number;
  readonly needsReset: boolean;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
}

export interface CreateEnvironment {
  readonly specId: string;
  readonly seed: number | null;
  readonly kwargs: Arguments;
  /** Null = the limit of the specification. */
  readonly maxEpisodeSteps: number | null;
  readonly labels: Labels;
  readonly idleTtlS: number;
}

type Info = Readonly<Record<string, number | string | boolean | readonly number[]>>;

export interface EnvironmentReset {
  readonly observation: JsonTensor;
  readonly info: Info;
  readonly seq: number;
  readonly episodeStep: number;
  readonly episodeReturn: number;
}

export interface EnvironmentStep extends EnvironmentReset {
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/** Every method with an id throws `environment_not_found`, or `environment_gone` where the environment once lived. */
export interface EnvironmentsService {
  create(request: CreateEnvironment): Promise<EnvironmentRecord>;
  list(query: PageQuery): Page<EnvironmentRecord>;
  get(id: string): EnvironmentRecord;
  delete(id: string): Promise<void>;
  reset(id: string, request: { readonly seed: number | null; readonly options: Arguments }): Promise<EnvironmentReset>;
  /** `seq` equal to the last one repeats the stored answer; null steps in any case. Throws `sequence_mismatch`, `reset_required`, `action_out_of_space`. */
  step(id: string, action: unknown, seq: number | null): Promise<EnvironmentStep>;
  sampleAction(id: string): Promise<JsonTensor>;
}

// --- agents ---

export interface AgentRecord {
  readonly id: string;
  readonly name: string | null;
  readonly algorithm: string;
  readonly variant?: string | null;
  readonly specId: string;
  readonly envKwargs: Arguments;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  /** Every default resolved. */
  readonly hyperparameters: Arguments;
  readonly seed: number;
  readonly labels: Labels;
  readonly timesteps: number;
  readonly checkpointId: string;
  readonly trainingJobId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface AgentIdentity {
  readonly name: string | null;
  /** Null = drawn by the server. */
  readonly seed: number | null;
  readonly labels: Labels;
}

export interface NewAgent extends AgentIdentity {
  readonly fromCheckpointId: null;
  readonly algorithm: string;
  readonly specId: string;
  readonly envKwargs: Arguments;
  /** What differs from the defaults. */
  readonly hyperparameters: Arguments;
}

export interface ForkedAgent extends AgentIdentity {
  readonly fromCheckpointId: string;
}

export type CreateAgent = NewAgent | ForkedAgent;

/** Exactly one of the two is present. */
export interface ActRequest {
  readonly observation?: unknown;
  readonly observations?: readonly unknown[];
  readonly deterministic: boolean;
}

export interface ActAnswer {
  readonly action?: JsonTensor;
  readonly actions?: JsonTensor[];
  readonly policyStep: number;
}

/** Every method with an id throws `agent_not_found`. */
export interface AgentsService {
  create(request: CreateAgent): Promise<AgentRecord>;
  list(query: PageQuery): Page<AgentRecord>;
  get(id: string): AgentRecord;
  /** Absent fields stay as they are. */
  update(id: string, change: { readonly name?: string | null; readonly labels?: Labels }): AgentRecord;
  /** Throws `agent_training`. */
  delete(id: string): Promise<void>;
  act(id: string, request: ActRequest): Promise<ActAnswer>;
  /** Throws `agent_training`, `checkpoint_incompatible`. */
  restore(id: string, checkpointId: string): Promise<AgentRecord>;
}

// --- checkpoints ---

export interface CheckpointRecord {
  readonly id: string;
  readonly agentId: string;
  readonly jobId: string | null;
  readonly timesteps: number;
  readonly sizeBytes: number;
  /** Hex digest of the content. */
  readonly sha256: string;
  readonly hasReplay: boolean;
  readonly createdAt: Date;
  readonly labels: Labels;
}

export interface CheckpointContent {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface CheckpointsService {
  /** Throws `agent_not_found`, `agent_training`. */
  create(agentId: string): Promise<CheckpointRecord>;
  /** Throws `agent_not_found`. */
  list(agentId: string, query: PageQuery): Page<CheckpointRecord>;
  get(id: string): CheckpointRecord;
  content(id: string): Promise<CheckpointContent>;
  /** Throws `checkpoint_in_use`. */
  delete(id: string): Promise<void>;
}

// --- jobs ---

export type JobType = 'train' | 'evaluate';
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelling' | 'cancelled';

export interface JobProgress {
  readonly timesteps: number;
  readonly totalTimesteps: number;
  readonly fraction: number;
  readonly episodes: number;
  readonly updates: number;
  readonly stepsPerSecond: number;
  readonly updatesPerSecond: number;
  readonly etaS: number | null;
}

export interface JobRecord {
  readonly id: string;
  readonly type: JobType;
  readonly state: JobState;
  readonly agentId: string;
  /** Every default resolved. Goes out as it is, so its keys are snake_case. */
  readonly config: Arguments;
  readonly seed: number;
  readonly progress: JobProgress;
  /** The latest value of each. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly result: Arguments | null;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly updatedAt: Date;
}

export interface JobEvent {
  /** Null for progress, which is not stored. */
  readonly id: number | null;
  readonly type:
    | 'job.state'
    | 'job.progress'
    | 'job.metrics'
    | 'job.episode'
    | 'job.checkpoint'
    | 'job.log'
    | 'job.done';
  readonly time: Date;
  /** Goes out as it is, so its keys are snake_case. */
  readonly data: Arguments;
}

export interface TrainRequest {
  readonly totalTimesteps: number;
  readonly evaluation: {
    readonly everyTimesteps: number;
    readonly episodes: number;
    readonly seed: number | null;
  } | null;
  readonly checkpoint: {
    readonly everyTimesteps: number | null;
    readonly everySeconds: number | null;
    readonly keepLast: number | null;
  } | null;
  readonly engine: string | null;
  readonly threads: number | null;
  readonly seed: number | null;
  readonly labels: Labels;
}

export interface EvaluateRequest {
  readonly episodes: number;
  readonly seed: number | null;
  readonly deterministic: boolean;
  /** Null = the one that the agent stands on. */
  readonly checkpointId: string | null;
  readonly labels: Labels;
}

export interface JobFilter {
  readonly state: JobState | null;
  readonly type: JobType | null;
  readonly agentId: string | null;
}

export interface MetricSeries {
  readonly key: string;
  /** [step, value], ascending. */
  readonly points: readonly (readonly [number, number])[];
}

/** Every method with a job's id throws `job_not_found`. */
export interface JobsService {
  /** Throws `agent_training`, `engine_not_available`, `capacity_reached`. */
  train(agentId: string, request: TrainRequest): Promise<JobRecord>;
  evaluate(agentId: string, request: EvaluateRequest): Promise<JobRecord>;
  list(query: PageQuery & JobFilter): Page<JobRecord>;
  get(id: string): JobRecord;
  /** The job once it is terminal, `seconds` are up, or `signal` aborts; an abort resolves and does not reject. */
  wait(id: string, seconds: number, signal: AbortSignal): Promise<JobRecord>;
  /** Throws `invalid_state_transition` where the job has ended. */
  cancel(id: string): JobRecord;
  /** Throws `invalid_state_transition` unless the job has ended. */
  delete(id: string): void;
  /** Stored events with an id above `after`, ascending. */
  events(id: string, query: { readonly after: number; readonly limit: number }): readonly JobEvent[];
  /**
   * Stored events after `after`, then live ones, with no gap and no duplicate. Returns what ends the subscription.
   * `job.done` is the last event of every job, and is stored in the transaction that makes the job terminal.
   */
  subscribe(id: string, query: { readonly after: number }, listener: (event: JobEvent) => void): () => void;
  metrics(
    id: string,
    query: { readonly keys: readonly string[] | null; readonly fromStep: number; readonly maxPoints: number },
  ): readonly MetricSeries[];
}
