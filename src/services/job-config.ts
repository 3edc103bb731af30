// What a job was asked to do, every default resolved: as it is stored and as the API shows it.
import type { ReplayPlacement } from '../agent/algorithm.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import type { JobRow } from '../storage/jobs.ts';

export interface TrainConfig {
  /** Environment steps on top of those that the agent has behind it. */
  readonly total_timesteps: number;
  /** Environments stepped at once. */
  readonly num_envs: number;
  /** Around each of them; not around that of evaluations. */
  readonly wrappers: readonly WrapperWish[];
  readonly evaluation: {
    readonly every_timesteps: number;
    readonly episodes: number;
    readonly seed: number;
    /** Null = no mean return ends the job. */
    readonly target_return: number | null;
    /** Null = the job goes on without improvement. */
    readonly patience: number | null;
  } | null;
  readonly checkpoint: {
    readonly every_timesteps: number | null;
    readonly every_seconds: number | null;
    readonly keep_last: number;
    readonly keep_best: boolean;
  };
  readonly engine: string;
  readonly threads: number;
  /** Absent in a job that was queued before there was a choice: on the host. */
  readonly replay_placement?: ReplayPlacement;
  /** Whether to resume even where the engine gives other bits than the one before the interruption. */
  readonly allow_inexact_resume: boolean;
  /** Higher ones start sooner. */
  readonly priority: number;
}

export interface LearnConfig {
  readonly gradient_steps: number;
  /** Transitions that it takes in: those that were pending when it was asked for. */
  readonly transitions: number;
  /** How many the agent had been given by then, ever. */
  readonly transitions_through: number;
  readonly checkpoint: {
    readonly every_gradient_steps: number | null;
    readonly every_seconds: number | null;
    readonly keep_last: number;
  };
  readonly engine: string;
  readonly threads: number;
  readonly allow_inexact_resume: boolean;
  readonly priority: number;
}

export interface EvaluateConfig {
  readonly checkpoint_id: string;
  readonly episodes: number;
  readonly deterministic: boolean;
  /** The same episodes are played with each of them, besides without any. */
  readonly perturbations: readonly WrapperWish[];
  readonly engine: string;
  readonly priority: number;
}

export type JobConfig = TrainConfig | LearnConfig | EvaluateConfig;

export function isTraining(config: JobConfig): config is TrainConfig {
  return 'total_timesteps' in config;
}

export function isLearning(config: JobConfig): config is LearnConfig {
  return 'gradient_steps' in config;
}

/** Of a job that was queued before there were priorities, the default. */
export function priorityOf({ config }: Pick<JobRow, 'config'>): number {
  return Number(config['priority'] ?? 0);
}

/** Of a training job that says nothing about checkpoints. */
export const CHECKPOINT_DEFAULTS = { everySeconds: 60, keepLast: 3, keepBest: true } as const;

/** Apart from the seeds that users choose, so that an agent is not evaluated on the episodes it trained on. */
export const EVALUATION_SEED = 1_000_003;
