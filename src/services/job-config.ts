// What a job was asked to do, every default resolved: as it is stored and as the API shows it.

export interface TrainConfig {
  /** Environment steps on top of those that the agent has behind it. */
  readonly total_timesteps: number;
  readonly evaluation: { readonly every_timesteps: number; readonly episodes: number; readonly seed: number } | null;
  readonly checkpoint: {
    readonly every_timesteps: number | null;
    readonly every_seconds: number | null;
    readonly keep_last: number;
  };
  readonly engine: string;
  readonly threads: number;
}

export interface EvaluateConfig {
  readonly checkpoint_id: string;
  readonly episodes: number;
  readonly deterministic: boolean;
  readonly engine: string;
}

/** Of a training job that says nothing about checkpoints. */
export const CHECKPOINT_DEFAULTS = { everySeconds: 60, keepLast: 3 } as const;

/** Apart from the seeds that users choose, so that an agent is not evaluated on the episodes it trained on. */
export const EVALUATION_SEED = 1_000_003;
