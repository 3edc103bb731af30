// The rules that every engine relies on: which nodes are bool, and how shapes follow from those of the inputs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph, Node } from '../../src/compute/graph.ts';
import { broadcastShape, isElementwise, topological } from '../../src/compute/nodes.ts';
import { optimize } from '../../src/compute/passes/optimize.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';
import { kernelGraph, stateGraph } from './conformance-graphs.ts';
import { gradientOf, updateOf } from './programs/program.ts';
import { ODD_SIZES, PROGRAMS } from './programs/programs.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['greater', 'greaterEqual', 'less', 'lessEqual', 'equal']);
/** They hand on what they get, numbers or truth values. */
const CARRIERS: ReadonlySet<string> = new Set(['reshape', 'broadcast', 'tile', 'transpose', 'slice', 'concat']);

/** What is wrong with a node, or null. */
function fault({ op, inputs, dtype, shape }: Node): string | null {
  const types = inputs.map((input) => input.dtype);
  const all = (wanted: string): boolean => types.every((type) => type === wanted);
  if (sizeOf(shape) === 0) return 'has no elements';
  if (isElementwise(op)) {
    const broadcast = inputs.map((input) => input.shape).reduce((a, b) => broadcastShape(a, b));
    if (String(broadcast) !== String(shape)) return `should have shape [${broadcast}]`;
  }
  if (op.kind === 'reshape' && sizeOf((inputs[0] as Node).shape) !== sizeOf(shape)) return 'changes its size';
  if (op.kind === 'input' || op.kind === 'constant' || op.kind === 'cast') return null;
  if (op.kind === 'select') return types[0] === 'bool' && types[1] === dtype && types[2] === dtype ? null : 'select';
  if (op.kind === 'and') return dtype === 'bool' && all('bool') ? null : 'combines numbers';
  if (COMPARISONS.has(op.kind)) return dtype === 'bool' && all('float32') ? null : 'compares truth values';
  if (CARRIERS.has(op.kind)) return all(dtype) ? null : 'changes its type';
  return dtype === 'float32' && all('float32') ? null : 'computes with truth values';
}

const GRAPHS: readonly (readonly [string, () => Graph])[] = [
  ['all kernels', () => kernelGraph(() => ({ m: 3, n: 4, k: 5 }), Pcg64.fromSeed(1)).graph],
  ['the state graph', stateGraph],
  ...PROGRAMS.flatMap(({ name, make }) => {
    const update = make(ODD_SIZES);
    const runnables = [updateOf(update), ...update.steps.map((step) => gradientOf(update, step))];
    return runnables.map(
      ({ program, signature }, index) => [`${name}, program ${index}`, () => trace(program, signature)] as const,
    );
  }),
];

for (const [name, make] of GRAPHS) {
  test(`types and shapes are right in the graph of ${name}, traced and optimised`, () => {
    for (const graph of [make(), optimize(make())]) {
      for (const node of topological(graph)) {
        assert.equal(fault(node), null, `node ${node.id} (${node.op.kind}) of ${node.dtype}[${node.shape}]`);
      }
      for (const output of graph.outputs.values()) assert.equal(output.dtype, 'float32');
      for (const { before, after } of graph.state.values()) {
        assert.deepEqual([after.dtype, after.shape], ['float32', before.shape]);
      }
    }
  });
}
