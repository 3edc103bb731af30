// Learning from transitions that somebody else made: no environment is stepped, and one step of the run is one gradient step.
import type { Experience, Learner, Transition } from '../agent/algorithm.ts';
import { nest, type Tensors, under } from '../math/tensor.ts';
import { Run, type RunPlan, runCounts, type TrainingHooks, type TrainingOutcome, type Work } from './run.ts';

/** Its timesteps are gradient steps of this run. */
export interface LearningPlan extends RunPlan {
  readonly learner: Learner;
  /** In the order in which they came; none where the run resumes, since each of its checkpoints holds all of them. */
  readonly transitions: AsyncIterable<Transition>;
}

/** Gradient steps between two rows of metrics. */
const METRICS_EVERY = 100;

/** Takes the transitions into the replay, then learns and reports until `endTimesteps` or until it is cancelled; a last checkpoint is written in any case. */
export async function learn(plan: LearningPlan, hooks: TrainingHooks): Promise<TrainingOutcome> {
  const run = begin(plan, hooks);
  for await (const transition of plan.transitions) plan.learner.absorb(transition);
  return await run.toTheEnd();
}

/** Apart from `learn`, so that nothing holds on to the experience while it runs. */
function begin(plan: LearningPlan, hooks: TrainingHooks): Run {
  const experience = plan.experience();
  if (experience !== null) plan.learner.setExperience(under('learner', experience));
  const run = new Run(plan, hooks, new Rehearsal(plan, experience), runCounts(experience, plan.resumes));
  // Before a transition is added: what is as it was loaded need not be written again.
  if (experience !== null) hooks.restored(run.experience());
  return run;
}

class Rehearsal implements Work {
  readonly stride = 1;
  readonly metricsEvery: number;
  readonly isConverged = false;
  readonly #learner: Learner;
  /** Where a training before it left its environments, for one after it to go on from. */
  readonly #lanes: Tensors;
  #updates: number;

  constructor({ learner, timesteps, endTimesteps }: LearningPlan, experience: Tensors | null) {
    // A short run has a row as well.
    this.metricsEvery = Math.min(METRICS_EVERY, endTimesteps);
    this.#learner = learner;
    this.#lanes = nest('lanes', under('lanes', experience ?? {}));
    this.#updates = timesteps;
  }

  get progress() {
    return { timesteps: this.#updates, episodes: 0, updates: this.#updates };
  }

  async step(): Promise<void> {
    this.#updates += await this.#learner.update();
  }

  takeMetrics(): Readonly<Record<string, number>> {
    return this.#learner.takeMetrics();
  }

  policyState(): Tensors {
    return this.#learner.policyState();
  }

  getState(): Tensors {
    return this.#learner.getState();
  }

  getExperience(): Experience {
    const { tensors, segments } = this.#learner.getExperience();
    return {
      tensors: { ...this.#lanes, ...nest('learner', tensors) },
      segments: segments.map((segment) => ({ ...segment, name: `learner/${segment.name}` })),
    };
  }
}
