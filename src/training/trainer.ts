// One training run, in this thread. Knows nothing of workers, HTTP or SQLite.
import type { ActionScale } from '../agent/action-scale.ts';
import type { Learner, Policy } from '../agent/algorithm.ts';
import type { Env } from '../envs/env.ts';
import { nest, type Tensors, take, under, vector } from '../math/tensor.ts';
import { asArray, type Evaluation, evaluate } from './evaluate.ts';

export interface TrainingPlan {
  readonly env: Env;
  readonly learner: Learner;
  readonly scale: ActionScale;
  /** Seed of the environment's first reset, where there is no experience to go on from. */
  readonly seed: number;
  /** Environment steps the agent has behind it. */
  readonly timesteps: number;
  /** Steps after which this run ends, counted like `timesteps`. */
  readonly endTimesteps: number;
  /** What an earlier run left (`Trainer.getExperience`); null at the very start. */
  readonly experience: Tensors | null;
  /** Whether `experience` is of this very run, interrupted; else its episode and update counts begin at 0. */
  readonly resumes: boolean;
  /** Null = no evaluations. */
  readonly evaluation: EvaluationSchedule | null;
  /** A checkpoint at each multiple of this many timesteps; null = none but the last. */
  readonly checkpointEveryTimesteps: number | null;
  /** A checkpoint when the last is this old; null = not by time. */
  readonly checkpointEverySeconds: number | null;
}

export interface EvaluationSchedule {
  /** Its own environment: training must not notice an evaluation. */
  readonly env: Env;
  readonly policy: Policy;
  readonly everyTimesteps: number;
  readonly episodes: number;
  readonly seed: number;
}

/** What the run tells its owner, in order and synchronously. `timesteps` is the agent's count. */
export interface TrainingHooks {
  /** Asked before every step: whether the owner wants the run to end now. */
  isCancelled(): boolean;
  /** Asked before every step: whether a checkpoint was asked for since the last time. */
  takeCheckpointRequest(): boolean;
  progress(progress: TrainingProgress): void;
  metrics(timesteps: number, values: Readonly<Record<string, number>>): void;
  episode(
    timesteps: number,
    episode: { readonly return: number; readonly length: number; readonly episode: number },
  ): void;
  evaluated(timesteps: number, evaluation: Evaluation): void;
  /** To be written durably before it returns. */
  checkpoint(timesteps: number, state: { readonly model: Tensors; readonly experience: Tensors }): void;
  /** The policy as it is now, for acting beside training. */
  publish(timesteps: number, policy: Tensors): void;
}

/** `timesteps` is the agent's count; episodes and updates are this run's. */
export interface TrainingProgress {
  readonly timesteps: number;
  readonly episodes: number;
  readonly updates: number;
}

/** Timesteps between two rows of metrics: fixed, so that a resumed run writes the same rows. */
const METRICS_EVERY = 500;
const PROGRESS_EVERY_MS = 250;
const PUBLISH_EVERY_MS = 10_000;
/** The first checkpoint by time comes this soon, and the pause doubles from there: a young run is cheap to save. */
const FIRST_CHECKPOINT_MS = 3000;

/** Steps, learns and reports until `endTimesteps` or until it is cancelled; either way a last checkpoint is written. */
export async function train(plan: TrainingPlan, hooks: TrainingHooks): Promise<'finished' | 'cancelled'> {
  const run = new Run(plan, hooks);
  return await run.toTheEnd();
}

class Run {
  readonly #plan: TrainingPlan;
  readonly #hooks: TrainingHooks;
  #timesteps: number;
  #observation: Float32Array | Float64Array;
  #episodeReturn = 0;
  #episodeLength = 0;
  #episodes = 0;
  #updates = 0;
  #checkpointedAt: number;
  #checkpointPauseMs = FIRST_CHECKPOINT_MS;
  readonly #due = { progress: 0, publish: 0, checkpoint: 0 };

  constructor(plan: TrainingPlan, hooks: TrainingHooks) {
    this.#plan = plan;
    this.#hooks = hooks;
    this.#timesteps = plan.timesteps;
    this.#checkpointedAt = plan.timesteps;
    if (plan.experience === null) {
      this.#observation = asArray(plan.env.reset({ seed: plan.seed }).observation);
    } else {
      plan.env.setState(under('env', plan.experience));
      plan.learner.setExperience(under('learner', plan.experience));
      this.#observation = take(plan.experience, 'episode/observation', Float64Array).data;
      [this.#episodeReturn = 0, this.#episodeLength = 0] = take(plan.experience, 'episode/so_far', Float64Array).data;
      if (plan.resumes)
        [this.#episodes = 0, this.#updates = 0] = take(plan.experience, 'run/counts', Float64Array).data;
    }
  }

  async toTheEnd(): Promise<'finished' | 'cancelled'> {
    const { endTimesteps } = this.#plan;
    const now = Date.now();
    this.#due.checkpoint = now + this.#nextCheckpointPauseMs();
    this.#due.publish = now + PUBLISH_EVERY_MS;
    await this.#evaluateAtStart();
    while (this.#timesteps < endTimesteps) {
      if (this.#hooks.isCancelled()) {
        this.#checkpoint();
        return 'cancelled';
      }
      if (this.#hooks.takeCheckpointRequest()) this.#checkpoint();
      try {
        await this.#step();
      } catch (error) {
        // How far it came is part of what went wrong.
        this.#progress();
        throw error;
      }
      await this.#report();
    }
    if (this.#checkpointedAt !== this.#timesteps) this.#checkpoint();
    this.#progress();
    return 'finished';
  }

  /** One environment step and the gradient steps that it makes due. */
  async #step(): Promise<void> {
    const { env, learner, scale } = this.#plan;
    const action = await learner.explore(this.#observation);
    const step = env.step(scale.toBox(action));
    const nextObservation = asArray(step.observation);
    const { reward, terminated, truncated } = step;
    learner.observe({ observation: this.#observation, action, reward, nextObservation, terminated, truncated });
    this.#timesteps++;
    this.#episodeReturn += reward;
    this.#episodeLength++;
    this.#observation = nextObservation;
    for (let due = learner.updatesDue(); due > 0; due--) {
      await learner.update();
      this.#updates++;
    }
    if (terminated || truncated) this.#endEpisode();
  }

  #endEpisode(): void {
    this.#episodes++;
    this.#hooks.episode(this.#timesteps, {
      return: this.#episodeReturn,
      length: this.#episodeLength,
      episode: this.#episodes,
    });
    this.#episodeReturn = 0;
    this.#episodeLength = 0;
    this.#observation = asArray(this.#plan.env.reset().observation);
  }

  async #report(): Promise<void> {
    const { evaluation, checkpointEveryTimesteps, learner } = this.#plan;
    const timesteps = this.#timesteps;
    if (timesteps % METRICS_EVERY === 0) {
      const values = learner.takeMetrics();
      if (Object.keys(values).length > 0) this.#hooks.metrics(timesteps, values);
    }
    if (evaluation !== null && timesteps % evaluation.everyTimesteps === 0) await this.#evaluate(evaluation);
    const now = Date.now();
    if (
      (checkpointEveryTimesteps !== null && timesteps % checkpointEveryTimesteps === 0) ||
      now >= this.#due.checkpoint
    ) {
      this.#checkpoint();
    } else if (now >= this.#due.publish) {
      this.#publish();
    }
    if (now >= this.#due.progress) this.#progress();
  }

  /** A curve begins with the policy that has learnt nothing. */
  async #evaluateAtStart(): Promise<void> {
    const { evaluation } = this.#plan;
    if (evaluation !== null && this.#timesteps === 0) await this.#evaluate(evaluation);
  }

  async #evaluate(schedule: EvaluationSchedule): Promise<void> {
    const { learner, scale } = this.#plan;
    const { env, policy, episodes, seed } = schedule;
    policy.setState(learner.policyState());
    const shouldStop = () => this.#hooks.isCancelled();
    const result = await evaluate({ env, policy, scale, episodes, seed, deterministic: true, shouldStop });
    if (result !== null) this.#hooks.evaluated(this.#timesteps, result);
    this.#publish();
  }

  #checkpoint(): void {
    const { env, learner } = this.#plan;
    const experience = {
      ...nest('env', env.getState()),
      ...nest('learner', learner.getExperience()),
      'episode/observation': vector(Float64Array.from(this.#observation)),
      'episode/so_far': vector(Float64Array.of(this.#episodeReturn, this.#episodeLength)),
      'run/counts': vector(Float64Array.of(this.#episodes, this.#updates)),
    };
    this.#hooks.checkpoint(this.#timesteps, { model: learner.getState(), experience });
    this.#checkpointedAt = this.#timesteps;
    this.#due.checkpoint = Date.now() + this.#nextCheckpointPauseMs();
    this.#publish();
  }

  #publish(): void {
    this.#hooks.publish(this.#timesteps, this.#plan.learner.policyState());
    this.#due.publish = Date.now() + PUBLISH_EVERY_MS;
  }

  #progress(): void {
    this.#hooks.progress({ timesteps: this.#timesteps, episodes: this.#episodes, updates: this.#updates });
    this.#due.progress = Date.now() + PROGRESS_EVERY_MS;
  }

  /** Until the next checkpoint by time. */
  #nextCheckpointPauseMs(): number {
    const { checkpointEverySeconds } = this.#plan;
    if (checkpointEverySeconds === null) return Number.POSITIVE_INFINITY;
    const pause = Math.min(checkpointEverySeconds * 1000, this.#checkpointPauseMs);
    this.#checkpointPauseMs *= 2;
    return pause;
  }
}
