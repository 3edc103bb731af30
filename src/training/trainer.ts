// Learning as a run: one step is a step of every environment, and the gradient steps that it makes due.
import type { Experience, Learner, Transition } from '../agent/algorithm.ts';
import type { Env } from '../envs/env.ts';
import { nest, type Tensors, take, under, vector } from '../math/tensor.ts';
import { asArray } from './evaluate.ts';
import {
  Run,
  type RunCounts,
  type RunPlan,
  runCounts,
  type TrainingHooks,
  type TrainingOutcome,
  type Work,
} from './run.ts';

export interface TrainingPlan extends RunPlan {
  /** Stepped in lockstep, one lane of the learner each: `timesteps` counts the steps of all. */
  readonly envs: readonly Env[];
  readonly learner: Learner;
  /** Environment i begins with `reset({seed: seed + i})`, where there is no experience to go on from. */
  readonly seed: number;
}

/** Timesteps between two rows of metrics: fixed, so that a resumed run writes the same rows. */
const METRICS_EVERY = 500;

/** Steps, learns and reports until `endTimesteps`, until it is cancelled or evaluations end it; a last checkpoint is written in any case. */
export async function train(plan: TrainingPlan, hooks: TrainingHooks): Promise<TrainingOutcome> {
  return await begin(plan, hooks).toTheEnd();
}

/** Apart from `train`, so that nothing holds on to the experience while it runs. */
function begin(plan: TrainingPlan, hooks: TrainingHooks): Run {
  const experience = plan.experience();
  const counts = runCounts(experience, plan.resumes);
  const run = new Run(plan, hooks, new Learning(plan, hooks, experience, counts), counts);
  if (experience !== null) hooks.restored(run.experience());
  return run;
}

/** An episode in progress. */
interface Episode {
  return: number;
  length: number;
}

class Learning implements Work {
  readonly metricsEvery = METRICS_EVERY;
  /** Experience does not run out. */
  readonly isConverged = false;
  readonly #plan: TrainingPlan;
  readonly #hooks: TrainingHooks;
  #timesteps: number;
  #episodes: number;
  #updates: number;
  /** [lanes, observation]. */
  #observations: readonly (Float32Array | Float64Array)[];
  readonly #running: readonly Episode[];

  constructor(plan: TrainingPlan, hooks: TrainingHooks, experience: Tensors | null, { episodes, updates }: RunCounts) {
    this.#plan = plan;
    this.#hooks = hooks;
    this.#timesteps = plan.timesteps;
    [this.#episodes, this.#updates] = [episodes, updates];
    this.#running = plan.envs.map(() => ({ return: 0, length: 0 }));
    this.#observations = experience === null ? this.#begin() : this.#restore(experience);
  }

  get stride(): number {
    return this.#plan.envs.length;
  }

  get progress() {
    return { timesteps: this.#timesteps, episodes: this.#episodes, updates: this.#updates };
  }

  /** Where the environments stand at their very start. */
  #begin(): (Float32Array | Float64Array)[] {
    const { envs, seed } = this.#plan;
    return envs.map((env, lane) => asArray(env.reset({ seed: seed + lane }).observation));
  }

  /** Goes on from what was saved; returns where its environments stand. */
  #restore(experience: Tensors): (Float32Array | Float64Array)[] {
    const { envs, learner } = this.#plan;
    learner.setExperience(under('learner', experience));
    // Another number of environments than the run before had: their episodes are not these.
    const lanes = new Set(Object.keys(under('lanes', experience)).map((name) => name.split('/', 1)[0])).size;
    if (lanes !== envs.length) return this.#begin();
    return envs.map((env, lane) => {
      const saved = under(`lanes/${lane}`, experience);
      env.setState(under('env', saved));
      const [sum = 0, length = 0] = take(saved, 'episode', Float64Array).data;
      Object.assign(this.#running[lane] as Episode, { return: sum, length });
      return take(saved, 'observation', Float64Array).data;
    });
  }

  /** One step of every environment, and the gradient steps that they make due. */
  async step(): Promise<void> {
    const { envs, learner, codec } = this.#plan;
    const actions = await learner.explore(joined(this.#observations));
    const size = actions.length / envs.length;
    const transitions = envs.map((env, lane): Transition => {
      const action = actions.subarray(lane * size, (lane + 1) * size);
      const { observation, reward, terminated, truncated } = env.step(codec.toSpace(action));
      const nextObservation = asArray(observation);
      return { observation: this.#observationOf(lane), action, reward, nextObservation, terminated, truncated };
    });
    learner.observe(transitions);
    this.#timesteps += envs.length;
    for (let due = learner.updatesDue(); due > 0; ) {
      const taken = await learner.update();
      due -= taken;
      this.#updates += taken;
    }
    this.#observations = transitions.map((transition, lane) => this.#follow(lane, transition));
  }

  #observationOf(lane: number): Float32Array | Float64Array {
    return this.#observations[lane] as Float32Array | Float64Array;
  }

  /** What `lane` sees next: where its episode ended, the start of another one. */
  #follow(lane: number, { reward, nextObservation, terminated, truncated }: Transition): Float32Array | Float64Array {
    const episode = this.#running[lane] as Episode;
    episode.return += reward;
    episode.length++;
    if (!terminated && !truncated) return nextObservation;
    this.#episodes++;
    this.#hooks.episode(this.#timesteps, { ...episode, episode: this.#episodes });
    Object.assign(episode, { return: 0, length: 0 });
    return asArray((this.#plan.envs[lane] as Env).reset().observation);
  }

  takeMetrics(): Readonly<Record<string, number>> {
    return this.#plan.learner.takeMetrics();
  }

  policyState(): Tensors {
    return this.#plan.learner.policyState();
  }

  getState(): Tensors {
    return this.#plan.learner.getState();
  }

  /** Of each environment, and of the learner. */
  getExperience(): Experience {
    const { envs, learner } = this.#plan;
    const lanes = envs.map((env, lane) => {
      const episode = this.#running[lane] as Episode;
      return nest(`lanes/${lane}`, {
        ...nest('env', env.getState()),
        observation: vector(Float64Array.from(this.#observationOf(lane))),
        episode: vector(Float64Array.of(episode.return, episode.length)),
      });
    });
    const { tensors, segments } = learner.getExperience();
    return {
      tensors: { ...Object.assign({}, ...lanes), ...nest('learner', tensors) },
      segments: segments.map((segment) => ({ ...segment, name: `learner/${segment.name}` })),
    };
  }
}

/** [lanes, observation] in C order. */
function joined(observations: readonly (Float32Array | Float64Array)[]): Float32Array | Float64Array {
  const [first] = observations;
  if (observations.length === 1 && first !== undefined) return first;
  return Float64Array.from(observations.flatMap((observation) => Array.from(observation)));
}
