// Several calls as one graph, in float64: the same operations on the same numbers, so the same to the bit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { unroll } from '../../src/compute/unroll.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { stateGraph } from './conformance-graphs.ts';
import { sacCase } from './native/cases.ts';
import { uniform } from './support.ts';

const SIZES = { observation: 3, action: 2, hidden: [5, 4], batch: 3 };

test('one call of an unrolled update is as many calls of the update', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  for (const calls of [1, 2, 5]) {
    const { graph, inputs, state } = sacCase(SIZES);
    const given = Array.from({ length: calls }, () => inputs(rng));
    let expected: { outputs: Float64Record; state: Float64Record } = { outputs: {}, state: state(rng) };
    const begun = expected.state;
    const outputs: Record<string, Float64Array> = {};
    for (const [call, numbers] of given.entries()) {
      expected = evaluate(graph, numbers, expected.state);
      for (const [name, values] of Object.entries(expected.outputs)) outputs[`${call}/${name}`] = values;
    }
    const all = Object.fromEntries(
      given.flatMap((numbers, call) =>
        Object.entries(numbers).map(([name, values]) => [`${call}/${name}`, values] as const),
      ),
    );
    const actual = evaluate(unroll(graph, calls), all, begun);
    assert.deepEqual(actual.outputs, outputs);
    assert.deepEqual(actual.state, expected.state);
  }
});

test('a state that a graph hands on as another one, or leaves as it is, crosses every call', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const graph = stateGraph();
  const draw = (nodes: Iterable<readonly [string, readonly number[]]>): Float64Record =>
    Object.fromEntries([...nodes].map(([name, shape]) => [name, uniform(rng, shape, -2, 2)]));
  const three = unroll(graph, 3);
  const inputs = draw([...three.inputs].map(([name, { shape }]) => [name, shape]));
  const begun = draw([...graph.state].map(([name, { before }]) => [name, before.shape]));
  let state = begun;
  for (const call of [0, 1, 2]) {
    const own = [...graph.inputs.keys()].map((name) => [name, inputs[`${call}/${name}`] as Float64Array] as const);
    state = evaluate(graph, Object.fromEntries(own), state).state;
  }
  assert.deepEqual(evaluate(three, inputs, begun).state, state);
});
