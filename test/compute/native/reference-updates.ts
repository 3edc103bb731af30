// Calls of a program, each held to the float64 reference from the very numbers that the program stood at.
import type { Graph } from '../../../src/compute/graph.ts';
import { evaluate, type Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { assertClose } from '../support.ts';
import type { Case } from './cases.ts';

/**
 * float32 rounds to 6e-8. Some forty operations lie behind one another in an update, and sums of up to a hundred terms as large as
 * their result: 2e-5 is a tenth of what one wrong or missing term would change.
 */
const FLOAT32 = { absolute: 2e-5, relative: 2e-5 };

interface Runner {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly state: Readonly<Record<string, Float32Array>>;
  set(inputs: Float64Record, state: Float64Record): void;
  run(): void;
}

export function assertFollowsReference(program: Runner, { graph, inputs, state }: Case, seed: number, calls = 3): void {
  const rng = Pcg64.fromSeed(seed);
  program.set(inputs(rng), state(rng));
  for (let call = 1; call <= calls; call += 1) {
    const given = inputs(rng);
    for (const [name, values] of Object.entries(given)) program.inputs[name]?.set(values);
    const expected = evaluate(graph, given, float64(program.state));
    program.run();
    assertMatches(program, graph, expected, `seed ${seed}, call ${call}`);
  }
}

function assertMatches(
  { outputs, state }: Pick<Runner, 'outputs' | 'state'>,
  graph: Graph,
  expected: { readonly outputs: Float64Record; readonly state: Float64Record },
  what: string,
): void {
  for (const name of graph.outputs.keys())
    assertClose(outputs[name] as Float32Array, expected.outputs[name] as Float64Array, FLOAT32, `${what}: ${name}`);
  for (const name of graph.state.keys())
    assertClose(state[name] as Float32Array, expected.state[name] as Float64Array, FLOAT32, `${what}: state ${name}`);
}

const float64 = (arrays: Readonly<Record<string, Float32Array>>): Float64Record =>
  Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, Float64Array.from(values)]));
