// Planning as a run: one step is one iteration, and no environment is stepped but for evaluations.
import type { Experience, Planner } from '../agent/algorithm.ts';
import { type Tensors, take, vector } from '../math/tensor.ts';
import { Run, type RunPlan, runCounts, type TrainingHooks, type TrainingOutcome, type Work } from './run.ts';

export interface PlanningPlan extends RunPlan {
  readonly planner: Planner;
}

/** Iterates and reports until `endTimesteps`, until the policy changes no more, until it is cancelled or evaluations end it. */
export async function plan(asked: PlanningPlan, hooks: TrainingHooks): Promise<TrainingOutcome> {
  return await begin(asked, hooks).toTheEnd();
}

function begin(asked: PlanningPlan, hooks: TrainingHooks): Run {
  const saved = asked.experience();
  const isConverged = saved !== null && asked.resumes && isSavedConverged(saved);
  const work = new Planning(asked.planner, hooks, { timesteps: asked.timesteps, isConverged });
  const run = new Run(asked, hooks, work, runCounts(saved, asked.resumes));
  if (saved !== null) hooks.restored(run.experience());
  return run;
}

class Planning implements Work {
  readonly stride = 1;
  readonly metricsEvery = 1;
  readonly #planner: Planner;
  readonly #hooks: TrainingHooks;
  #timesteps: number;
  #isConverged: boolean;
  #metrics: Readonly<Record<string, number>> = {};

  constructor(
    planner: Planner,
    hooks: TrainingHooks,
    start: { readonly timesteps: number; readonly isConverged: boolean },
  ) {
    this.#planner = planner;
    this.#hooks = hooks;
    this.#timesteps = start.timesteps;
    this.#isConverged = start.isConverged;
  }

  get progress() {
    return { timesteps: this.#timesteps, episodes: 0, updates: 0 };
  }

  get isConverged(): boolean {
    return this.#isConverged;
  }

  async step(): Promise<void> {
    const step = this.#planner.iterate(() => this.#hooks.isCancelled());
    if (step === null) return;
    this.#timesteps++;
    this.#metrics = step.metrics;
    this.#isConverged = step.isConverged;
  }

  takeMetrics(): Readonly<Record<string, number>> {
    return this.#metrics;
  }

  policyState(): Tensors {
    return this.#planner.policyState();
  }

  getState(): Tensors {
    return this.#planner.getState();
  }

  /** A run that is resumed where it had converged has no iteration left to do. */
  getExperience(): Experience {
    return { tensors: { 'planning/converged': vector(Uint8Array.of(this.#isConverged ? 1 : 0)) }, segments: [] };
  }
}

function isSavedConverged(experience: Tensors): boolean {
  return take(experience, 'planning/converged', Uint8Array).data[0] === 1;
}
