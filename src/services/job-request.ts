// What clients ask of jobs, and what that comes to with the defaults of the server.
import type { ReplayPlacement } from '../agent/algorithm.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import type { TransitionCounts } from '../storage/transitions.ts';
import {
  CHECKPOINT_DEFAULTS,
  EVALUATION_SEED,
  type EvaluateConfig,
  type LearnConfig,
  type TrainConfig,
} from './job-config.ts';

export interface TrainRequest {
  readonly totalTimesteps: number;
  readonly numEnvs: number;
  readonly wrappers: readonly WrapperWish[];
  readonly evaluation: {
    readonly everyTimesteps: number;
    readonly episodes: number;
    readonly seed: number | null;
    readonly targetReturn: number | null;
    readonly patience: number | null;
  } | null;
  readonly checkpoint: {
    readonly everyTimesteps: number | null;
    readonly everySeconds: number | null;
    readonly keepLast: number | null;
    readonly keepBest: boolean;
  } | null;
  readonly engine: string | null;
  readonly threads: number | null;
  readonly replayPlacement: ReplayPlacement;
  readonly allowInexactResume: boolean;
  readonly priority: number;
  readonly seed: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LearnRequest {
  readonly gradientSteps: number;
  readonly checkpoint: {
    readonly everyGradientSteps: number | null;
    readonly everySeconds: number | null;
    readonly keepLast: number | null;
  } | null;
  readonly engine: string | null;
  readonly threads: number | null;
  readonly allowInexactResume: boolean;
  readonly priority: number;
  readonly seed: number | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EvaluateRequest {
  readonly episodes: number;
  readonly seed: number | null;
  readonly deterministic: boolean;
  readonly perturbations: readonly WrapperWish[];
  /** Null = the one that the agent stands on. */
  readonly checkpointId: string | null;
  readonly priority: number;
  readonly labels: Readonly<Record<string, string>>;
}

export function trainConfig(request: TrainRequest, engine: string, threads: number): TrainConfig {
  const { evaluation, checkpoint } = request;
  return {
    total_timesteps: request.totalTimesteps,
    num_envs: request.numEnvs,
    wrappers: request.wrappers,
    evaluation: evaluation && {
      every_timesteps: evaluation.everyTimesteps,
      episodes: evaluation.episodes,
      seed: evaluation.seed ?? EVALUATION_SEED,
      target_return: evaluation.targetReturn,
      patience: evaluation.patience,
    },
    checkpoint: {
      every_timesteps: checkpoint?.everyTimesteps ?? null,
      every_seconds: checkpoint === null ? CHECKPOINT_DEFAULTS.everySeconds : checkpoint.everySeconds,
      keep_last: checkpoint?.keepLast ?? CHECKPOINT_DEFAULTS.keepLast,
      keep_best: checkpoint?.keepBest ?? CHECKPOINT_DEFAULTS.keepBest,
    },
    engine,
    threads: request.threads ?? threads,
    replay_placement: request.replayPlacement,
    allow_inexact_resume: request.allowInexactResume,
    priority: request.priority,
  };
}

export function learnConfig(
  { gradientSteps, checkpoint, ...request }: LearnRequest,
  { pending, total }: TransitionCounts,
  engine: string,
  threads: number,
): LearnConfig {
  return {
    gradient_steps: gradientSteps,
    transitions: pending,
    transitions_through: total,
    checkpoint: {
      every_gradient_steps: checkpoint?.everyGradientSteps ?? null,
      every_seconds: checkpoint === null ? CHECKPOINT_DEFAULTS.everySeconds : checkpoint.everySeconds,
      keep_last: checkpoint?.keepLast ?? CHECKPOINT_DEFAULTS.keepLast,
    },
    engine,
    threads: request.threads ?? threads,
    allow_inexact_resume: request.allowInexactResume,
    priority: request.priority,
  };
}

export function evaluateConfig(request: EvaluateRequest, checkpointId: string, engine: string): EvaluateConfig {
  return {
    checkpoint_id: checkpointId,
    episodes: request.episodes,
    deterministic: request.deterministic,
    perturbations: request.perturbations,
    engine,
    priority: request.priority,
  };
}
