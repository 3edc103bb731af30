// What the service says of an environment, and takes and gives in calls on it.
import type { Finding } from '../envs/check-report.ts';
import type { Info, RenderMode } from '../envs/env.ts';
import type { SpaceDocument } from '../envs/spaces/space.ts';
import type { TensorData } from '../envs/spaces/tensor-data.ts';
import type { Seeds } from '../envs/vector/vector-env.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import type { EpisodeEnd, RolloutColumns, RolloutPictures } from '../workers/rollout.ts';
import type { VectorPlan, VectorReset, VectorStep } from '../workers/vector-blocks.ts';

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
  /** What `render` gives where the caller does not care. */
  readonly renderMode: RenderMode;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
  /** Null = nobody has to stay attached. */
  readonly lingerS: number | null;
  /** Null for a single environment. */
  readonly vector: VectorPlan | null;
  /** Null for a vector environment: its sub-environments' episodes begin and end one by one. */
  readonly episodeStep: number | null;
  readonly episodeReturn: number | null;
  /** Number of the last call that changed where it stands: a reset, a step, a rollout, a restored snapshot. */
  readonly seq: number;
  readonly needsReset: boolean;
  /** In a vector environment those of one sub-environment. */
  readonly observationSpace: SpaceDocument;
  readonly actionSpace: SpaceDocument;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
}

/** What a live environment holds of it; the times change with every call and stand beside it. */
export type LiveRecord = Omit<EnvironmentRecord, 'updatedAt' | 'expiresAt'>;

export interface NewEnvironment {
  readonly specId: string;
  readonly seed: number | null;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Around the environment, the first innermost. */
  readonly wrappers: readonly WrapperWish[];
  readonly maxEpisodeSteps: number | null;
  /** Null or absent = the first of the specification. */
  readonly renderMode?: RenderMode | null | undefined;
  /** Null for a single environment. */
  readonly vector: VectorPlan | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly idleTtlS: number;
  /** Null or absent = nobody has to stay attached. */
  readonly lingerS?: number | null;
}

export interface ResetRequest {
  readonly seed: Seeds | null;
  readonly options: Readonly<Record<string, unknown>>;
  /** Null for all. */
  readonly resetMask: readonly boolean[] | null;
  /** As of a step. */
  readonly seq?: number | null;
}

/** Either, as the environment is single or a vector. */
export interface StepRequest {
  readonly action?: unknown;
  readonly actions?: unknown;
  readonly seq: number | null;
}

export interface Position {
  readonly seq: number;
  readonly episodeStep: number;
  readonly episodeReturn: number;
}

export type ResetReply = Position & { readonly observation: TensorData; readonly info: Info };
export type StepReply = ResetReply & {
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
};

export type VectorResetReply = VectorReset & { readonly seq: number };
export type VectorStepReply = VectorStep & { readonly seq: number };

export interface RolloutRequest {
  /** Null = as many as there are actions. */
  readonly steps: number | null;
  /** Null where an agent acts, or where both are null the environment's sampler. */
  readonly actions: readonly unknown[] | null;
  readonly agentId: string | null;
  /** Whether the agent's mean action is taken, instead of a draw. */
  readonly deterministic: boolean;
  readonly withInfos: boolean;
  /** Null for columns. */
  readonly pictures: RolloutPictures | null;
  readonly seq: number | null;
}

export type RolloutReply = Position &
  Omit<RolloutColumns, 'observations' | 'actions' | 'episodeEnds'> & {
    readonly steps: number;
    readonly observations: TensorData;
    readonly actions: TensorData;
    readonly episodeEnds: readonly (Omit<EpisodeEnd, 'finalObservation'> & { readonly finalObservation: TensorData })[];
    /** Of the reset that it began with; null where it went on. */
    readonly resetInfo: Info | null;
    /** Timesteps the policy has learnt from; null where no agent acted. */
    readonly policyStep: number | null;
  };

/** An animated PNG. */
export interface RolloutAnimation {
  readonly animation: Uint8Array;
}

export interface CheckRequest {
  readonly seed: number;
  readonly steps: number;
}

export interface CheckReply extends CheckRequest {
  readonly checks: readonly Finding[];
  readonly durationS: number;
}
