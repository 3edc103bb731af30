// Learners in worlds that a test makes up, in any number of lanes.
import type {
  AgentSpaces,
  Experience,
  Hyperparameters,
  Learner,
  ReplayPlacement,
  Transition,
} from '../../../src/agent/algorithm.ts';
import { sac } from '../../../src/agent/algorithms/sac/sac.ts';
import type { Engine } from '../../../src/compute/engine.ts';
import { onnxCpuEngine } from '../../../src/compute/onnx/engine.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import type { Tensors } from '../../../src/math/tensor.ts';
import { spacesOf } from '../../support/sac-graph.ts';

export interface Start {
  readonly hyperparameters: Hyperparameters;
  readonly spaces: AgentSpaces;
  readonly seed: number;
  readonly lanes?: number;
  readonly engine?: Engine;
  readonly replayPlacement?: ReplayPlacement;
}

const SMALL = { hidden_sizes: [8, 8], batch_size: 16, learning_starts: 20, replay_capacity: 5000 };

/** An agent in a world of two observations and two actions; `given` is what differs from small networks and defaults. */
export const starting = (seed: number, given: Record<string, unknown> = {}, more: Partial<Start> = {}): Start => ({
  hyperparameters: sac.resolve({ ...SMALL, ...given }, 'none'),
  spaces: spacesOf(2, 2),
  seed,
  ...more,
});

export async function learnerOf(
  { hyperparameters, spaces, seed, lanes = 1, engine = onnxCpuEngine, replayPlacement = 'host' }: Start,
  state?: Tensors,
): Promise<Learner> {
  const rng = Pcg64.fromSeed(seed);
  const fresh = sac.initialize(hyperparameters, spaces, rng.split());
  const setup = { hyperparameters, spaces, engine, threads: 1, numEnvs: lanes, replayPlacement, rng };
  return await sac.createLearner({ ...setup, state: state ?? fresh });
}

export interface World {
  observe(): Float64Array;
  step(action: Float32Array): Omit<Transition, 'observation' | 'action'>;
}

/** One step of every world, and the updates that it makes due. Gives what was done. */
export async function stepAll(learner: Learner, worlds: readonly World[]): Promise<readonly Transition[]> {
  const transitions = await act(learner, worlds);
  learner.observe(transitions);
  while (learner.updatesDue() > 0) await learner.update();
  return transitions;
}

/** One step of every world, that the learner has not been told of. */
export async function act(learner: Learner, worlds: readonly World[]): Promise<readonly Transition[]> {
  const observations = worlds.map((world) => world.observe());
  const actions = (await learner.explore(Float64Array.from(observations.flatMap((o) => [...o])))).slice();
  const size = actions.length / worlds.length;
  return worlds.map((world, lane) => {
    const action = actions.subarray(lane * size, (lane + 1) * size);
    return { observation: observations[lane] as Float64Array, action, ...world.step(action) };
  });
}

/** A world whose states depend on the actions. Its episodes never end where `period` is infinite; every third one terminates. */
export function drift(offset = 0, period = 11): World {
  let [x, y] = [0.1 + offset, -0.2];
  let clock = 0;
  return {
    observe: () => Float64Array.of(x, y),
    step: ([a = 0, b = 0]) => {
      [x, y] = [Math.sin(x + a + offset), Math.cos(y - b)];
      clock += 1;
      const ends = clock % period === 0;
      const terminated = ends && clock % (3 * period) === 0;
      const nextObservation = Float64Array.of(x, y);
      if (ends) [x, y] = [offset, 0.5];
      return { reward: nextObservation[0] as number, nextObservation, terminated, truncated: ends && !terminated };
    },
  };
}

/** By name, as a checkpoint gives it back; how often a segment was written is of the process, not of the run. */
export const copied = ({ tensors, segments }: Experience): Tensors =>
  structuredClone({ ...tensors, ...Object.fromEntries(segments.map(({ name, tensor }) => [name, tensor])) });
