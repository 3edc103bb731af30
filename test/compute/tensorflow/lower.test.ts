// The SavedModel that a graph becomes, without TensorFlow: its bytes are read by another decoder, and its nodes run by an interpreter
// that was written from TensorFlow's definitions. What TensorFlow itself makes of it is in conformance.test.ts, where it is installed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph } from '../../../src/compute/graph.ts';
import { topological } from '../../../src/compute/nodes.ts';
import { optimize } from '../../../src/compute/passes/optimize.ts';
import { evaluate, type Float64Record } from '../../../src/compute/reference/evaluate.ts';
import { lower } from '../../../src/compute/tensorflow/lower.ts';
import { trace } from '../../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { sizeOf } from '../../../src/math/tensor.ts';
import { sacUpdate, spacesOf } from '../../support/sac-graph.ts';
import { freshSeed } from '../../support/seed.ts';
import { kernelGraph, productGraph, stateGraph } from '../conformance-graphs.ts';
import { drawFor, updateOf } from '../programs/program.ts';
import { ODD_SIZES, PROGRAMS } from '../programs/programs.ts';
import { assertClose, uniform } from '../support.ts';
import { REQUIRED, runNodes, type Value, type Variables } from './interpret.ts';
import { readSavedModel } from './saved-model.ts';

/** Every node is an output as well, called `node/<id>`, so that each is compared. */
function allSeen(graph: Graph): Graph {
  const nodes = topological(graph).map((node) => [`node/${node.id}`, node] as const);
  return { ...graph, outputs: new Map([...graph.outputs, ...nodes]) };
}

/** Some calls of the model of `graph`, as the engine makes them. */
function interpret(
  graph: Graph,
  inputs: Float64Record,
  state: Float64Record,
  { calls, rng }: { readonly calls: number; readonly rng: Pcg64 },
): { outputs: Record<string, number[]>; state: Record<string, number[]> } {
  const lowered = lower(graph);
  const model = readSavedModel(lowered.bytes);
  const { signatures } = model;
  const variables: Variables = new Map();
  const value = (shape: readonly number[], data: ArrayLike<number>): Value => ({ shape, data: Array.from(data) });
  const written = new Map(
    [...graph.state].map(([name, { before }]) => [
      signatures.get('write')?.inputs.get(name) as string,
      value(before.shape, state[name] as Float64Array),
    ]),
  );
  runNodes(model, written, [...(signatures.get('write')?.outputs.values() ?? [])], variables, rng);
  const packed = new Array<number>(lowered.inputs.length).fill(Number.NaN);
  for (const [name, offset] of lowered.inputs.offsets)
    packed.splice(offset, inputs[name]?.length ?? 0, ...(inputs[name] ?? []));
  const update = signatures.get('update');
  const feeds = new Map([...(update?.inputs.values() ?? [])].map((node) => [node, value([packed.length], packed)]));
  let output: Value | undefined;
  for (let call = 0; call < calls; call += 1)
    [output] = runNodes(model, feeds, [update?.outputs.get('output') as string], variables, rng);
  const names = [...graph.state.keys()];
  const read = signatures.get('read')?.outputs;
  const values = runNodes(
    model,
    new Map(),
    names.map((name) => read?.get(name) as string),
    variables,
    rng,
  );
  return {
    outputs: Object.fromEntries(
      [...graph.outputs].map(([name, { shape }]) => {
        const offset = lowered.outputs.offsets.get(name) as number;
        return [name, output?.data.slice(offset, offset + sizeOf(shape)) ?? []];
      }),
    ),
    state: Object.fromEntries(names.map((name, index) => [name, [...(values[index]?.data ?? [])]])),
  };
}

/** Both are float64, but the model holds the bounds of a clip as float32, which rounds them by 6e-8. */
const ROUNDING = { absolute: 2e-7, relative: 2e-7 };

function assertSame(graph: Graph, inputs: Float64Record, state: Float64Record, rng: Pcg64, calls = 1): void {
  const seen = allSeen(optimize(graph));
  let expected = evaluate(seen, inputs, state);
  for (let call = 1; call < calls; call += 1) expected = evaluate(seen, inputs, expected.state);
  const actual = interpret(seen, inputs, state, { calls, rng });
  for (const part of ['outputs', 'state'] as const)
    for (const [name, values] of Object.entries(expected[part]))
      assertClose(actual[part][name] ?? [], values, ROUNDING, `${part} ${name}`);
}

test('every node of every kernel and its gradient is written as what it computes', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  for (const sizes of [
    { m: 3, n: 4, k: 5 },
    { m: 1, n: 2, k: 1 },
  ]) {
    const { graph, inputs } = kernelGraph(() => sizes, rng);
    assertSame(graph, inputs, {}, rng);
  }
});

test('every matrix product is written with its transpositions and its bias', () => {
  const rng = Pcg64.fromSeed(1);
  const { graph, inputs } = productGraph(rng);
  assertSame(graph, inputs, {}, rng);
});

for (const { name, make } of PROGRAMS) {
  test(`two steps of ${name} are what the reference takes, node by node, in whatever order the nodes run`, (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const update = make(ODD_SIZES);
    const runnable = updateOf(update);
    const { inputs, state } = drawFor(update, runnable, rng);
    assertSame(trace(runnable.program, runnable.signature), inputs, state, rng, 2);
  });
}

test('state crosses from call to call in every way there is', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const graph = stateGraph();
  const draw = (nodes: Iterable<readonly [string, readonly number[]]>): Float64Record =>
    Object.fromEntries([...nodes].map(([name, shape]) => [name, uniform(rng, shape, -2, 2)]));
  const inputs = draw([...graph.inputs].map(([name, { shape }]) => [name, shape]));
  const state = draw([...graph.state].map(([name, { before }]) => [name, before.shape]));
  for (let round = 0; round < 20; round += 1) assertSame(graph, inputs, state, rng, 3);
});

const sac = (): Graph => sacUpdate(spacesOf(5, 2), { hidden_sizes: [8, 8], batch_size: 4 });

test('the output waits for every assignment, and every assignment for the only read of its variable', () => {
  const graph = optimize(sac());
  const lowered = lower(graph);
  const { nodes } = readSavedModel(lowered.bytes);
  const changed = [...graph.state.values()].filter(({ before, after }) => before !== after).length;
  const assigned = [...nodes.values()].filter(({ op, name }) => op === 'AssignVariableOp' && !name.endsWith('/writes'));
  assert.equal(assigned.length, changed);
  assert.deepEqual(new Set(nodes.get(lowered.output)?.after), new Set(assigned.map(({ name }) => name)));
  for (const { name, inputs, after } of assigned) {
    const reads = [...nodes.values()].filter((node) => node.op === 'ReadVariableOp' && node.inputs[0] === inputs[0]);
    assert.deepEqual(
      reads.map((read) => read.name),
      after,
      name,
    );
  }
  const handles = [...nodes.values()].filter(({ op }) => op === 'VarHandleOp');
  assert.equal(new Set(handles.map(({ attributes }) => attributes.get('shared_name'))).size, graph.state.size);
});

test('what is fed is copied before anything keeps it', () => {
  const { nodes } = readSavedModel(lower(optimize(stateGraph())).bytes);
  const fed = [...nodes.values()].filter(({ op }) => op === 'Placeholder').map(({ name }) => name);
  assert.ok(fed.length > 1);
  for (const { name, op, inputs } of nodes.values())
    if (inputs.some((input) => fed.includes(input))) assert.equal(op, 'DeepCopy', name);
});

test('names, attributes, tags and devices are what TensorFlow takes', () => {
  const { graph } = kernelGraph(() => ({ m: 2, n: 3, k: 4 }), Pcg64.fromSeed(1));
  for (const device of [null, '/device:CPU:0']) {
    for (const one of [graph, sac(), stateGraph()]) {
      const { tags, producer, nodes } = readSavedModel(lower(optimize(one), device).bytes);
      assert.deepEqual(tags, ['serve']);
      // Not beyond what TensorFlow 2.9, the last with a tfjs-node-gpu, was made for.
      assert.ok(producer > 0 && producer <= 1087);
      for (const node of nodes.values()) {
        assert.match(node.name, /^[A-Za-z0-9.][A-Za-z0-9_>./-]*$/);
        assert.equal(node.device, device ?? '');
        for (const attribute of REQUIRED[node.op] ?? ['T'])
          assert.ok(node.attributes.has(attribute), `${node.name}: ${node.op} has no ${attribute}`);
        for (const input of [...node.inputs, ...node.after]) assert.ok(nodes.has(input), `${node.name} reads ${input}`);
      }
    }
  }
});

test('no constant that numbers are calculated with is one that TensorFlow may calculate with itself', () => {
  const { nodes } = readSavedModel(lower(optimize(sac())).bytes);
  const FLOAT = 1;
  const constants = [...nodes.values()].filter(
    ({ op, attributes }) => op === 'Const' && attributes.get('dtype') === FLOAT,
  );
  assert.ok(constants.length > 0);
  for (const { name } of constants) {
    const readers = [...nodes.values()].filter(({ inputs }) => inputs.includes(name));
    assert.deepEqual(
      readers.map(({ op }) => op),
      ['PlaceholderWithDefault'],
      name,
    );
  }
});
