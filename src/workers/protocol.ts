// The wire between threads: every message that crosses one is a case of a union below. Data only.
import type { Hyperparameters } from '../agent/algorithm.ts';
import type { EngineName } from '../compute/engine.ts';
import type { EngineSettings } from '../compute/engines.ts';
import type { ModelAbout } from '../compute/onnx/model.ts';
import type { Info } from '../envs/env.ts';
import type { RenderOptions } from '../envs/render/options.ts';
import type { JsonTensor, SpaceDocument } from '../envs/spaces/space.ts';
import type { AutoresetMode } from '../envs/vector/autoreset.ts';
import type { Batch } from '../envs/vector/batch.ts';
import type { BlockReset, BlockResetOptions, BlockStep } from '../envs/vector/sub-environments.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import type { ErrorWire } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';
import type { BlobRef } from '../storage/checkpoints.ts';
import type { EpisodeSummary, Evaluation } from '../training/evaluate.ts';
import type { TrainingProgress } from '../training/trainer.ts';

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
  | ({ readonly type: 'createBlock'; readonly count: number; readonly autoresetMode: AutoresetMode } & EnvironmentPlan)
  | ({ readonly type: 'resetBlock'; readonly id: string } & BlockResetOptions)
  | { readonly type: 'stepBlock'; readonly id: string; readonly actions: Batch }
  /** A draw from the batched space of `count` actions, whatever the size of the block that is asked. */
  | { readonly type: 'sampleActions'; readonly id: string; readonly count: number }
  /** A single environment, or the worker's block of a vector environment. */
  | { readonly type: 'close'; readonly id: string }
  | ({ readonly type: 'initializeAgent'; readonly seed: number } & AgentIdentity)
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

/** What was made; the spaces are those of one environment. */
export interface MadeEnvironment {
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly maxEpisodeSteps: number | null;
}

/** What an answer holds, by the request's type. */
export interface EnvironmentReplies {
  readonly create: MadeEnvironment;
  readonly reset: { readonly observation: JsonTensor; readonly info: Info };
  readonly step: {
    readonly observation: JsonTensor;
    readonly reward: number;
    readonly terminated: boolean;
    readonly truncated: boolean;
    readonly info: Info;
  };
  readonly sampleAction: JsonTensor;
  /** A PNG file. */
  readonly render: Uint8Array;
  readonly createBlock: MadeEnvironment;
  readonly resetBlock: BlockReset;
  readonly stepBlock: BlockStep;
  readonly sampleActions: JsonTensor;
  readonly close: null;
  readonly initializeAgent: {
    readonly observationSpace: SpaceDocument;
    readonly actionSpace: SpaceDocument;
    readonly model: BlobRef;
  };
  /** `lacking`: send the request again, with the policy. */
  readonly act: { readonly actions: readonly JsonTensor[] } | { readonly lacking: true };
  /** An ONNX file. */
  readonly exportPolicy: { readonly model: Uint8Array; readonly sha256: string };
}

/** What an agent is, apart from what it learnt. */
export interface AgentIdentity {
  readonly algorithm: string;
  readonly hyperparameters: Hyperparameters;
  readonly specId: string;
  readonly envKwargs: Readonly<Record<string, unknown>>;
}

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

// --- Job workers: one thread a job, started with its assignment. ---

export type JobAssignment = AgentIdentity & {
  readonly dataDir: string;
  readonly engine: EngineName;
  readonly engines: EngineSettings;
  readonly threads: number;
  readonly model: BlobRef;
  readonly task: TrainTask | EvaluateTask;
};

export interface TrainTask {
  readonly type: 'train';
  readonly seed: number;
  readonly experience: BlobRef | null;
  readonly resumes: boolean;
  readonly timesteps: number;
  readonly endTimesteps: number;
  readonly evaluation: { readonly everyTimesteps: number; readonly episodes: number; readonly seed: number } | null;
  readonly checkpointEveryTimesteps: number | null;
  readonly checkpointEverySeconds: number | null;
}

export interface EvaluateTask {
  readonly type: 'evaluate';
  readonly seed: number;
  readonly episodes: number;
  readonly deterministic: boolean;
}

export type JobCommand = { readonly type: 'cancel' } | { readonly type: 'checkpoint' };

export type JobMessage =
  | ({ readonly type: 'progress' } & TrainingProgress)
  | { readonly type: 'metrics'; readonly timesteps: number; readonly values: Readonly<Record<string, number>> }
  | ({ readonly type: 'episode'; readonly timesteps: number; readonly episode: number } & EpisodeSummary)
  | { readonly type: 'checkpoint'; readonly timesteps: number; readonly model: BlobRef; readonly experience: BlobRef }
  | { readonly type: 'policy'; readonly timesteps: number; readonly state: Tensors }
  | { readonly type: 'log'; readonly message: string }
  | { readonly type: 'done'; readonly outcome: 'finished' | 'cancelled'; readonly evaluation: Evaluation | null }
  | { readonly type: 'failed'; readonly error: ErrorWire };
