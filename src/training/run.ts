// One training run, in this thread: when it evaluates, writes checkpoints, reports and ends. What a step is, its `Work` knows
// (trainer.ts, planner.ts). Knows nothing of workers, HTTP or SQLite.
import type { ActionCodec } from '../agent/action-codec.ts';
import type { Experience, Policy } from '../agent/algorithm.ts';
import type { Env } from '../envs/env.ts';
import { type Tensors, take, vector } from '../math/tensor.ts';
import { type Evaluation, evaluate } from './evaluate.ts';

/** What all runs are asked for. */
export interface RunPlan {
  readonly codec: ActionCodec;
  /** Timesteps the agent has behind it. */
  readonly timesteps: number;
  /** Timesteps after which this run ends, counted like `timesteps`; the last step may pass it. */
  readonly endTimesteps: number;
  /**
   * Gives what an earlier run left, tensors and segments by their names; null at the very start. Called once, and a function
   * so that the plan does not hold on to it: it is as large as the replay.
   */
  readonly experience: () => Tensors | null;
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
  /** Ends the run at this mean return; null = none does. */
  readonly targetReturn: number | null;
  /** Ends the run after so many evaluations in a row without a better mean return; null = never. */
  readonly patience: number | null;
}

/** What a run drives, step by step. */
export interface Work {
  /** Timesteps of one step. */
  readonly stride: number;
  /** Timesteps between two rows of metrics: fixed, so that a resumed run writes the same rows. */
  readonly metricsEvery: number;
  /** How far it is: the agent's timesteps, the run's episodes and updates. */
  readonly progress: TrainingProgress;
  /** Whether another step would change nothing. */
  readonly isConverged: boolean;
  /** Takes a step. The timesteps stay where they were where the owner cancelled in the middle of it. */
  step(): Promise<void>;
  /** What was measured since the last call. */
  takeMetrics(): Readonly<Record<string, number>>;
  policyState(): Tensors;
  getState(): Tensors;
  /** Everything that goes on from here reads, beside the model and what the run counts. */
  getExperience(): Experience;
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
  /** The experience was put back; `now` is what a checkpoint would hold. */
  restored(now: Experience): void;
  /** To be written durably before it returns. */
  checkpoint(
    timesteps: number,
    state: { readonly model: Tensors; readonly experience: Experience; readonly isBest: boolean },
  ): void;
  /** The policy as it is now, for acting beside training. */
  publish(timesteps: number, policy: Tensors): void;
}

/** `timesteps` is the agent's count; episodes and updates are this run's. */
export interface TrainingProgress {
  readonly timesteps: number;
  readonly episodes: number;
  readonly updates: number;
}

const PROGRESS_EVERY_MS = 250;
const PUBLISH_EVERY_MS = 10_000;
/** The first checkpoint by time comes this soon, and the pause doubles from there: a young run is cheap to save. */
const FIRST_CHECKPOINT_MS = 3000;

/** Why a run ended. */
export type TrainingOutcome = 'finished' | 'cancelled' | 'target_reached' | 'no_improvement' | 'converged';

/** What a checkpoint holds of a run itself. */
export interface RunCounts {
  readonly episodes: number;
  readonly updates: number;
  /** The best mean return of an evaluation, and how many came after it. */
  readonly best: number;
  readonly sinceBest: number;
  /** Whether an evaluation was due where the run was interrupted, and was not played to its end. */
  readonly owesEvaluation: boolean;
}

/** What `Run.experience` holds of the run that it is of; of a run that begins, where there is none or this is another one. */
export function runCounts(experience: Tensors | null, resumes: boolean): RunCounts {
  if (experience === null || !resumes) {
    return { episodes: 0, updates: 0, best: Number.NEGATIVE_INFINITY, sinceBest: 0, owesEvaluation: false };
  }
  const [episodes = 0, updates = 0, best = 0, sinceBest = 0, owed = 0] = take(
    experience,
    'run/counts',
    Float64Array,
  ).data;
  return { episodes, updates, best, sinceBest, owesEvaluation: owed === 1 };
}

export class Run {
  readonly #plan: RunPlan;
  readonly #hooks: TrainingHooks;
  readonly #work: Work;
  #best: number;
  #sinceBest: number;
  #owesEvaluation: boolean;
  #checkpointedAt: number;
  #checkpointPauseMs = FIRST_CHECKPOINT_MS;
  readonly #due = { progress: 0, publish: 0, checkpoint: 0 };

  constructor(plan: RunPlan, hooks: TrainingHooks, work: Work, { best, sinceBest, owesEvaluation }: RunCounts) {
    this.#plan = plan;
    this.#hooks = hooks;
    this.#work = work;
    [this.#best, this.#sinceBest, this.#owesEvaluation] = [best, sinceBest, owesEvaluation];
    this.#checkpointedAt = plan.timesteps;
  }

  /** Steps and reports until `endTimesteps`, until it is cancelled, converges or evaluations end it; a last checkpoint is written in any case. */
  async toTheEnd(): Promise<TrainingOutcome> {
    const { endTimesteps } = this.#plan;
    const now = Date.now();
    this.#due.checkpoint = now + this.#nextCheckpointPauseMs();
    this.#due.publish = now + PUBLISH_EVERY_MS;
    await this.#evaluateAtStart();
    let outcome = this.#verdict();
    while (this.#timesteps < endTimesteps && outcome === 'finished') {
      if (this.#hooks.isCancelled()) {
        outcome = 'cancelled';
        break;
      }
      if (this.#hooks.takeCheckpointRequest()) this.#checkpoint();
      const before = this.#timesteps;
      try {
        await this.#work.step();
      } catch (error) {
        // How far it came is part of what went wrong.
        this.#progress();
        throw error;
      }
      if (this.#timesteps > before) await this.#report();
      outcome = this.#verdict();
    }
    if (outcome === 'cancelled' || this.#checkpointedAt !== this.#timesteps) this.#checkpoint();
    this.#progress();
    return outcome;
  }

  /** Everything that goes on from here reads, beside the model. */
  experience(): Experience {
    const { episodes, updates } = this.#work.progress;
    const { tensors, segments } = this.#work.getExperience();
    const owed = this.#owesEvaluation ? [1] : [];
    return {
      tensors: {
        ...tensors,
        'run/counts': vector(Float64Array.of(episodes, updates, this.#best, this.#sinceBest, ...owed)),
      },
      segments,
    };
  }

  get #timesteps(): number {
    return this.#work.progress.timesteps;
  }

  /** What the evaluations so far, and the work itself, say of going on. */
  #verdict(): TrainingOutcome {
    // The owner ended the evaluation, so it wants the run to end; what the evaluation would have said is not known.
    if (this.#owesEvaluation) return 'cancelled';
    const { evaluation } = this.#plan;
    const target = evaluation?.targetReturn ?? null;
    // Of the best, which a checkpoint holds: a run that is resumed here ends as well.
    if (target !== null && this.#best >= target) return 'target_reached';
    if (this.#work.isConverged) return 'converged';
    const patience = evaluation?.patience ?? Number.POSITIVE_INFINITY;
    return this.#sinceBest >= patience ? 'no_improvement' : 'finished';
  }

  async #report(): Promise<void> {
    const { evaluation, checkpointEveryTimesteps } = this.#plan;
    const { metricsEvery, isConverged } = this.#work;
    const timesteps = this.#timesteps;
    if (this.#passed(metricsEvery)) {
      const values = this.#work.takeMetrics();
      if (Object.keys(values).length > 0) this.#hooks.metrics(timesteps, values);
    }
    if (evaluation !== null && (this.#passed(evaluation.everyTimesteps) || isConverged))
      await this.#evaluate(evaluation);
    const now = Date.now();
    if ((checkpointEveryTimesteps !== null && this.#passed(checkpointEveryTimesteps)) || now >= this.#due.checkpoint) {
      if (this.#checkpointedAt !== timesteps) this.#checkpoint();
    } else if (now >= this.#due.publish) {
      this.#publish();
    }
    if (now >= this.#due.progress) this.#progress();
  }

  /** Whether the last step reached or passed a multiple of `every` timesteps. */
  #passed(every: number): boolean {
    return this.#timesteps % every < this.#work.stride;
  }

  /** A curve begins with the policy that has learnt nothing; a run that was interrupted in an evaluation, with that one. */
  async #evaluateAtStart(): Promise<void> {
    const { evaluation } = this.#plan;
    if (evaluation === null) return;
    const isNew = this.#timesteps === 0 && this.#best === Number.NEGATIVE_INFINITY;
    if (isNew || this.#owesEvaluation) await this.#evaluate(evaluation);
  }

  async #evaluate(schedule: EvaluationSchedule): Promise<void> {
    const { codec } = this.#plan;
    const { env, policy, episodes, seed } = schedule;
    policy.setState(this.#work.policyState());
    const shouldStop = () => this.#hooks.isCancelled();
    const result = await evaluate({ env, policy, codec, episodes, seed, deterministic: true, shouldStop });
    this.#publish();
    const isOwed = this.#owesEvaluation && this.#timesteps > 0;
    this.#owesEvaluation = result === null;
    if (result === null) return;
    this.#hooks.evaluated(this.#timesteps, result);
    const isBest = result.returnMean > this.#best;
    this.#sinceBest = isBest ? 0 : this.#sinceBest + 1;
    if (isBest) this.#best = result.returnMean;
    // A checkpoint that owes an evaluation must not outlive it.
    if (isOwed || isBest) this.#checkpoint({ isBest });
  }

  #checkpoint({ isBest = false } = {}): void {
    const model = this.#work.getState();
    this.#hooks.checkpoint(this.#timesteps, { model, experience: this.experience(), isBest });
    this.#checkpointedAt = this.#timesteps;
    this.#due.checkpoint = Date.now() + this.#nextCheckpointPauseMs();
    this.#publish();
  }

  #publish(): void {
    this.#hooks.publish(this.#timesteps, this.#work.policyState());
    this.#due.publish = Date.now() + PUBLISH_EVERY_MS;
  }

  #progress(): void {
    this.#hooks.progress({ ...this.#work.progress });
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
