// The wire between threads: every message that crosses one is a case of a union below. Data only.
import type { AgentSpaces, Hyperparameters, ReplayPlacement } from '../agent/algorithm.ts';
import type { EngineName } from '../compute/engine.ts';
import type { EngineSettings } from '../compute/engines.ts';
import type { ModelAbout } from '../compute/onnx/model.ts';
import type { Finding } from '../envs/check-report.ts';
import type { Info } from '../envs/env.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import type { SpaceDocument, Value } from '../envs/spaces/space.ts';
import type { AutoresetMode } from '../envs/vector/autoreset.ts';
import type { Batch } from '../envs/vector/batch.ts';
import type { BlockReset, BlockResetOptions, BlockStep } from '../envs/vector/sub-environments.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import type { ErrorWire } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';
import type { BlobRef, CheckpointIdentity, ExperienceRef } from '../storage/checkpoints.ts';
import type { TransitionBatch } from '../storage/transitions.ts';
import type { EpisodeSummary, PerturbedEvaluation } from '../training/evaluate.ts';
import type { EvaluationSchedule, TrainingOutcome, TrainingProgress } from '../training/run.ts';
import type { RolloutColumns, RolloutPictures, RolloutPosition } from './rollout.ts';
import type { SnapshotCounters, SnapshotDocument, SnapshotIdentity } from './snapshot-file.ts';
import type { TransitionColumns } from './transition-files.ts';

// --- Environment workers: one answer to each request. ---

export type EnvironmentRequest =
  | ({ readonly type: 'create' } & EnvironmentPlan)
  | {
      readonly type: 'reset';
      readonly id: string;
      readonly seed: number | null;
      readonly options: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'step'; readonly id: string; readonly action: unknown }
  | { readonly type: 'sampleAction'; readonly id: string }
  /** `index` counts the sub-environments of the worker's block; a single environment has 0 alone. */
  | {
      readonly type: 'render';
      readonly id: string;
      readonly index: number;
      readonly options: RenderOptions;
    }
  /** The state as text, Gymnasium's `ansi`. */
  | { readonly type: 'renderText'; readonly id: string; readonly index: number }
  | ({ readonly type: 'rollout'; readonly id: string } & RolloutRequest)
  /** A state is a single environment's, or that of the worker's block; see snapshot-file.ts. */
  | { readonly type: 'getState'; readonly id: string }
  | { readonly type: 'setState'; readonly id: string; readonly state: Uint8Array }
  /** `counts`: how many sub-environments each state has; null for a single environment. */
  | {
      readonly type: 'writeSnapshot';
      readonly document: SnapshotDocument;
      readonly states: readonly Uint8Array[];
      readonly counts: readonly number[] | null;
    }
  | {
      readonly type: 'readSnapshot';
      readonly file: Uint8Array;
      readonly identity: SnapshotIdentity;
      readonly counts: readonly number[] | null;
    }
  /** Of new environments, all made alike. */
  | ({ readonly type: 'check' } & EnvironmentCheckPlan)
  | ({ readonly type: 'createBlock'; readonly count: number; readonly autoresetMode: AutoresetMode } & EnvironmentPlan)
  | ({ readonly type: 'resetBlock'; readonly id: string } & BlockResetOptions)
  | { readonly type: 'stepBlock'; readonly id: string; readonly actions: Batch }
  /** A draw from the batched space of `count` actions, whatever the size of the block that is asked. */
  | { readonly type: 'sampleActions'; readonly id: string; readonly count: number }
  /** A single environment, or the worker's block of a vector environment. */
  | { readonly type: 'close'; readonly id: string }
  | ({
      readonly type: 'initializeAgent';
      readonly seed: number;
      /** Of an agent whose environment is outside; else null, and the environment says them. */
      readonly spaces: AgentSpaces | null;
    } & AgentIdentity)
  | {
      readonly type: 'act';
      /** Key of the compiled policy: an agent's id. */
      readonly agentId: string;
      /** Changes whenever the policy's parameters do. */
      readonly version: string;
      /** Null unless the worker said that it lacks this version. */
      readonly policy: PolicySource | null;
      readonly observations: readonly unknown[];
      readonly deterministic: boolean;
    }
  /** Makes the agent's environment inside of each list of wrappers, and closes it. Answers where the agent could act in all. */
  | {
      readonly type: 'checkWrappers';
      readonly identity: EnvironmentIdentity;
      readonly spaces: AgentSpaces;
      readonly lists: readonly (readonly WrapperWish[])[];
    }
  /** Checks `columns` and stores them. */
  | { readonly type: 'storeTransitions'; readonly spaces: AgentSpaces; readonly columns: TransitionColumns }
  /** Checks a file that somebody sent and stores it. `sha256` is what it should have, in hex; null = not said. */
  | { readonly type: 'importCheckpoint'; readonly file: Uint8Array; readonly sha256: string | null }
  /** Answers where all files are what they were, else with `checkpoint_corrupt`. */
  | { readonly type: 'verifyCheckpoint'; readonly model: BlobRef; readonly experience: ExperienceRef | null }
  | { readonly type: 'exportPolicy'; readonly policy: Omit<PolicySource, 'engine'>; readonly about: ModelAbout };

/** How environments are made, one or many. */
export interface EnvironmentPlan {
  readonly id: string;
  readonly specId: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Around the environment, the first innermost. */
  readonly wrappers: readonly WrapperWish[];
  readonly maxEpisodeSteps: number | null;
  /** Seeds the sampling of actions, as Gymnasium's `action_space.seed`; null = from the system's entropy. */
  readonly seed: number | null;
}

export interface EnvironmentCheckPlan extends Omit<EnvironmentPlan, 'id' | 'seed'> {
  readonly seed: number;
  readonly steps: number;
  /** Null for a single environment. */
  readonly vector: { readonly numEnvs: number; readonly autoresetMode: AutoresetMode } | null;
}

export interface RolloutRequest {
  readonly steps: number;
  /** As many as there are steps; null where the policy acts, or where both are null the sampler. */
  readonly actions: readonly unknown[] | null;
  readonly policy: {
    /** As of `act`. */
    readonly agentId: string;
    readonly version: string;
    readonly policy: PolicySource | null;
    readonly deterministic: boolean;
  } | null;
  /** Whether to reset first, with a seed or without; null to go on. */
  readonly begin: { readonly seed: number | null } | null;
  readonly position: RolloutPosition;
  readonly withInfos: boolean;
  readonly pictures: RolloutPictures | null;
}

/** What was made; the spaces are those of one environment. */
export interface MadeEnvironment {
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly maxEpisodeSteps: number | null;
}

/** What an answer holds, by the request's type. */
export interface EnvironmentReplies {
  readonly create: MadeEnvironment;
  readonly reset: { readonly observation: Value; readonly info: Info };
  readonly step: {
    readonly observation: Value;
    readonly reward: number;
    readonly terminated: boolean;
    readonly truncated: boolean;
    readonly info: Info;
  };
  readonly sampleAction: Value;
  /** A PNG file. */
  readonly render: Uint8Array;
  readonly renderText: string;
  /** `lacking`: send the request again, with the policy; nothing has happened. */
  readonly rollout:
    | (({ readonly columns: RolloutColumns } | { readonly animation: Uint8Array }) & {
        readonly position: RolloutPosition;
        /** Of the reset that it began with; null where it went on. */
        readonly resetInfo: Info | null;
      })
    | { readonly lacking: true };
  readonly getState: Uint8Array;
  /** Of a block, where it stands now. */
  readonly setState: { readonly fresh: boolean; readonly ended: readonly boolean[] } | null;
  readonly writeSnapshot: { readonly file: Uint8Array; readonly sha256: string };
  readonly readSnapshot: { readonly counters: SnapshotCounters; readonly states: readonly Uint8Array[] };
  readonly check: readonly Finding[];
  readonly createBlock: MadeEnvironment;
  readonly resetBlock: BlockReset;
  readonly stepBlock: BlockStep;
  readonly sampleActions: Batch;
  readonly close: null;
  readonly initializeAgent: {
    readonly observationSpace: SpaceDocument;
    readonly actionSpace: SpaceDocument;
    readonly model: BlobRef;
  };
  /** `lacking`: send the request again, with the policy. */
  readonly act: { readonly actions: Batch } | { readonly lacking: true };
  readonly checkWrappers: null;
  readonly storeTransitions: { readonly count: number; readonly blob: BlobRef };
  readonly importCheckpoint: {
    readonly identity: CheckpointIdentity;
    readonly timesteps: number;
    readonly model: BlobRef;
  };
  readonly verifyCheckpoint: null;
  /** An ONNX file. */
  readonly exportPolicy: { readonly model: Uint8Array; readonly sha256: string };
}

/** What an agent is, apart from what it learnt. */
export interface AgentIdentity {
  readonly algorithm: string;
  readonly hyperparameters: Hyperparameters;
  /** Null where the environment is outside of the server. */
  readonly specId: string | null;
  readonly envKwargs: Readonly<Record<string, unknown>>;
}

/** Of an agent whose environment the server runs. */
export type EnvironmentIdentity = Pick<AgentIdentity, 'envKwargs'> & { readonly specId: string };

export interface PolicySource extends AgentIdentity {
  readonly engine: EngineName;
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  /** Published by a running job, or to be read from a checkpoint. */
  readonly state: { readonly tensors: Tensors } | { readonly model: BlobRef };
}

export interface Asked {
  readonly ticket: number;
  readonly request: EnvironmentRequest;
}

export type Answered =
  | { readonly ticket: number; readonly reply: EnvironmentReplies[keyof EnvironmentReplies] }
  | { readonly ticket: number; readonly error: ErrorWire };

// --- Job workers: one thread a job, started with its assignment, in the server's process or in one of its own. ---

/** What a job's thread finds when it starts. */
export interface JobStart {
  readonly assignment: JobAssignment;
  /** One number, shared with who watches: counts up whenever the worker gets on. */
  readonly heartbeat: Int32Array;
}

export type JobAssignment = AgentIdentity & {
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly dataDir: string;
  readonly engine: EngineName;
  readonly engines: EngineSettings;
  readonly threads: number;
  readonly model: BlobRef;
  readonly task: TrainTask | LearnTask | EvaluateTask;
};

/** What all jobs that change the agent are told. */
interface ChangeTask {
  readonly seed: number;
  readonly experience: ExperienceRef | null;
  readonly resumes: boolean;
  /** Whether to resume even where this engine gives other bits than the one before. */
  readonly allowInexactResume: boolean;
  readonly checkpointEverySeconds: number | null;
}

export interface TrainTask extends ChangeTask {
  readonly type: 'train';
  readonly timesteps: number;
  readonly endTimesteps: number;
  /** Environments stepped at once. */
  readonly numEnvs: number;
  readonly replayPlacement: ReplayPlacement;
  /** Around each of them; not around that of evaluations. */
  readonly wrappers: readonly WrapperWish[];
  readonly evaluation: Omit<EvaluationSchedule, 'env' | 'policy'> | null;
  readonly checkpointEveryTimesteps: number | null;
}

export interface LearnTask extends ChangeTask {
  readonly type: 'learn';
  /** The agent's, with all that it learns from. */
  readonly timesteps: number;
  /** Gradient steps that the job has behind it, and after which it ends. */
  readonly updates: number;
  readonly gradientSteps: number;
  /** What goes into the replay first. */
  readonly batches: readonly TransitionBatch[];
  readonly checkpointEveryUpdates: number | null;
}

export interface EvaluateTask {
  readonly type: 'evaluate';
  readonly seed: number;
  readonly episodes: number;
  readonly deterministic: boolean;
  readonly perturbations: readonly WrapperWish[];
}

/** `cancel`: write a checkpoint and end, whatever that is for: a cancelled job, a paused one, or a server that stops. */
export type JobCommand = { readonly type: 'cancel' } | { readonly type: 'checkpoint' };

export type JobMessage =
  | ({ readonly type: 'progress' } & TrainingProgress)
  | { readonly type: 'metrics'; readonly timesteps: number; readonly values: Readonly<Record<string, number>> }
  | ({ readonly type: 'episode'; readonly timesteps: number; readonly episode: number } & EpisodeSummary)
  | {
      readonly type: 'checkpoint';
      readonly timesteps: number;
      /** How far the job is, counted as its metrics and events are. */
      readonly step: number;
      readonly model: BlobRef;
      readonly experience: ExperienceRef;
      /** Whether the evaluation before it was the run's best. */
      readonly isBest: boolean;
    }
  | { readonly type: 'policy'; readonly timesteps: number; readonly state: Tensors }
  | { readonly type: 'log'; readonly message: string }
  | { readonly type: 'done'; readonly outcome: TrainingOutcome; readonly evaluation: PerturbedEvaluation | null }
  | { readonly type: 'failed'; readonly error: ErrorWire };

/** What the process of a job sends: all that its thread does, and how far the thread's heartbeat is. */
export type JobProcessMessage = JobMessage | { readonly type: 'beats'; readonly beats: number };
