// The plan of a native program, run step by step without a compiler: the reference's numbers in memory laid out as the arena says,
// whatever the number of threads and whoever comes first, and no two threads at one float between two barriers.
import { test } from 'node:test';
import type { Graph } from '../../../src/compute/graph.ts';
import { layOut } from '../../../src/compute/native/lower/arena.ts';
import { buildSteps } from '../../../src/compute/native/lower/build-steps.ts';
import { canonical } from '../../../src/compute/native/lower/canonical.ts';
import { schedule } from '../../../src/compute/native/lower/schedule.ts';
import { optimize } from '../../../src/compute/passes/optimize.ts';
import { evaluate, type Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { sacUpdate, spacesOf } from '../../support/sac-graph.ts';
import { freshSeed } from '../../support/seed.ts';
import { assertClose, uniform } from '../support.ts';
import { randomGraph } from './random-graph.ts';
import { Simulation } from './simulate.ts';

const RANDOM_GRAPHS = 20;
const CALLS = 2;
/** Who does a phase first: a result that hangs on it needs a barrier that is not there. */
const ORDERS = [[0], [0, 1], [1, 0], [2, 0, 1]];
// Both in float64: only sums may be in another order.
const FLOAT64 = { absolute: 1e-9, relative: 1e-9 };

function draw(graph: Graph, rng: Pcg64, low: number): { inputs: Float64Record; state: Float64Record } {
  const inputs = Object.fromEntries([...graph.inputs].map(([name, { shape }]) => [name, uniform(rng, shape, low, 1)]));
  const state = Object.fromEntries(
    [...graph.state].map(([name, { before }]) => [name, uniform(rng, before.shape, low, 1)]),
  );
  return { inputs, state };
}

function assertPlanComputes(graph: Graph, rng: Pcg64, low = -1): void {
  // What canonical and optimize do to the numbers is for others to prove: they round a factor to float32.
  const given = canonical(optimize(graph));
  const steps = buildSteps(given);
  const plan = schedule(steps);
  const arena = layOut(steps, plan);
  const calls = Array.from({ length: CALLS }, () => draw(graph, rng, low));
  let state = (calls[0] as { state: Float64Record }).state;
  const expected = calls.map(({ inputs }) => {
    const result = evaluate(given, inputs, state);
    ({ state } = result);
    return result;
  });
  for (const order of ORDERS) {
    const simulation = new Simulation(steps, plan, arena, order);
    simulation.prepare((calls[0] as { state: Float64Record }).state);
    for (const [call, { inputs }] of calls.entries()) {
      const actual = simulation.call(inputs, graph);
      const what = `call ${call} by threads ${order}`;
      for (const part of ['outputs', 'state'] as const)
        for (const [name, values] of Object.entries(expected[call]?.[part] as Float64Record))
          assertClose(actual[part][name] as Float64Array, values, FLOAT64, `${what}: ${name}`);
    }
  }
}

test(`${RANDOM_GRAPHS} graphs drawn at random are computed in any order of threads`, (context) => {
  const seed = freshSeed(context);
  for (let index = 0; index < RANDOM_GRAPHS; index += 1) {
    const rng = Pcg64.fromSeed(seed * 1000 + index);
    const graph = randomGraph(rng, 10 + rng.integers(0, 40));
    try {
      assertPlanComputes(graph, rng);
    } catch (thrown) {
      throw new Error(`Graph ${index} of seed ${seed}: ${(thrown as Error).message}`, { cause: thrown });
    }
  }
});

for (const [hidden, batch] of [
  [[33, 47], 37],
  [[20], 70],
  [[16, 8, 5], 1],
] as const) {
  test(`a SAC update with hidden layers ${hidden} and batch ${batch} is computed in any order of threads`, (context) => {
    const graph = sacUpdate(spacesOf(5, 3), { hidden_sizes: hidden, batch_size: batch });
    // Above zero: Adam takes the root of its second moments.
    assertPlanComputes(graph, Pcg64.fromSeed(freshSeed(context)), 0.05);
  });
}
