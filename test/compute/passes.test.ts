// Each pass: what it takes away, and that the numbers stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Graph } from '../../src/compute/graph.ts';
import { topological } from '../../src/compute/nodes.ts';
import { commonSubexpressions } from '../../src/compute/passes/common-subexpressions.ts';
import { foldConstants } from '../../src/compute/passes/constants.ts';
import { optimize } from '../../src/compute/passes/optimize.ts';
import { biasIntoProducts, outerProducts, sliceBeforeProducts } from '../../src/compute/passes/products.ts';
import type { Pass } from '../../src/compute/passes/rewrite.ts';
import { simplifyShapes } from '../../src/compute/passes/shapes.ts';
import { evaluate } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { assertClose, uniform } from './support.ts';

const SHAPES = { x: [4, 3], w: [3, 5], b: [5], c: [4, 1] } as const;
type Inputs = { readonly [name in keyof typeof SHAPES]: tf.Tensor };

const graphOf = (compute: (inputs: Inputs) => tf.Tensor): Graph =>
  trace((_, inputs) => ({ y: compute(inputs) }), { state: {}, inputs: SHAPES });

const countOf = (graph: Graph, kind: string): number => topological(graph).filter(({ op }) => op.kind === kind).length;

interface PassCase {
  readonly name: string;
  readonly pass: Pass;
  readonly compute: (inputs: Inputs) => tf.Tensor;
  /** How many nodes of a kind there are before and after. */
  readonly counts: Readonly<Record<string, readonly [number, number]>>;
}

const CASES: readonly PassCase[] = [
  {
    name: 'equal expressions are computed once',
    pass: commonSubexpressions,
    compute: ({ x }) => tf.add(tf.tanh(tf.neg(x)), tf.tanh(tf.neg(x))),
    counts: { neg: [2, 1], tanh: [2, 1] },
  },
  {
    name: 'slices of other places stay apart',
    pass: commonSubexpressions,
    compute: ({ x }) => tf.sub(tf.slice(x, [0, 0], [4, 1]), tf.slice(x, [0, 1], [4, 1])),
    counts: { slice: [2, 2] },
  },
  {
    name: 'equal constants are one',
    pass: commonSubexpressions,
    compute: ({ x }) => tf.mul(tf.add(x, 0.5), 0.5),
    counts: { constant: [2, 1] },
  },
  {
    name: 'factors of one and terms of zero go',
    pass: foldConstants,
    compute: ({ x }) => tf.sub(tf.add(tf.div(tf.mul(tf.ones([4, 3]), x), 1), 0), tf.zeros([3])),
    counts: { mul: [1, 0], div: [1, 0], add: [1, 0] },
  },
  {
    name: 'a chain of factors is one',
    pass: foldConstants,
    compute: ({ x }) => tf.mul(tf.mul(0.5, x), 3),
    counts: { mul: [2, 1] },
  },
  {
    name: 'a chain of reshapes is one',
    pass: simplifyShapes,
    compute: ({ x }) => tf.reshape(tf.reshape(tf.reshape(x, [12]), [2, 6]), [3, 4]),
    counts: { reshape: [3, 1] },
  },
  {
    name: 'a reshape to the shape that is there goes',
    pass: simplifyShapes,
    compute: ({ x }) => tf.reshape(tf.reshape(x, [12]), [4, 3]),
    counts: { reshape: [2, 0] },
  },
  {
    name: 'element-wise work does not repeat what broadcasts',
    pass: simplifyShapes,
    compute: ({ x, c }) => tf.mul(tf.broadcastTo(tf.neg(c), [4, 3]), x),
    counts: { broadcast: [1, 0] },
  },
  {
    name: 'a sum over axes of length one is a reshape',
    pass: simplifyShapes,
    compute: ({ c }) => tf.sum(c, 1),
    counts: { sum: [1, 0], reshape: [0, 1] },
  },
  {
    name: 'a bias goes into its product',
    pass: biasIntoProducts,
    compute: ({ x, w, b }) => tf.add(tf.matMul(x, w), b),
    counts: { add: [1, 0] },
  },
  {
    name: 'a bias stays outside a product that another reads too',
    pass: biasIntoProducts,
    compute: ({ x, w, b }) => {
      const product = tf.matMul(x, w);
      return tf.mul(product, tf.add(product, b));
    },
    counts: { add: [1, 1] },
  },
  {
    name: 'the product of a column and a row is a multiplication',
    pass: outerProducts,
    compute: ({ c, b }) => tf.matMul(c, tf.reshape(b, [5, 1]), false, true),
    counts: { matmul: [1, 0], mul: [0, 1] },
  },
  {
    name: 'columns of a product come from columns of its factor',
    pass: sliceBeforeProducts,
    compute: ({ x, w }) => tf.slice(tf.neg(tf.matMul(x, w)), [0, 1], [4, 2]),
    counts: { slice: [1, 1], matmul: [1, 1] },
  },
];

const numbers = () => {
  const rng = Pcg64.fromSeed(7);
  return Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, uniform(rng, shape, -2, 2)]));
};

for (const { name, pass, compute, counts } of CASES) {
  test(name, () => {
    const before = graphOf(compute);
    const after = pass(before);
    for (const [kind, [had, has]] of Object.entries(counts)) {
      assert.equal(countOf(before, kind), had, `${kind} before`);
      assert.equal(countOf(after, kind), has, `${kind} after`);
    }
    const expected = evaluate(before, numbers(), {}).outputs['y'] as Float64Array;
    // Float64 throughout; a merged factor is rounded to float32 once, half a unit of 6e-8.
    assertClose(
      evaluate(after, numbers(), {}).outputs['y'] as Float64Array,
      expected,
      { absolute: 1e-12, relative: 1e-7 },
      'y',
    );
  });
}

test('columns cut from a product are computed from as few columns of its factor', () => {
  const graph = sliceBeforeProducts(graphOf(({ x, w }) => tf.slice(tf.matMul(x, w), [0, 1], [4, 2])));
  assert.deepEqual(topological(graph).find(({ op }) => op.kind === 'matmul')?.shape, [4, 2]);
});

test('what neither outputs nor state need is not in the graph', () => {
  const graph = graphOf(({ x, w }) => {
    tf.tanh(tf.matMul(x, w));
    return tf.neg(x);
  });
  assert.deepEqual(
    topological(graph).map(({ op }) => op.kind),
    ['input', 'neg'],
  );
});

test('all passes together reach a fixed point', () => {
  const graph = optimize(graphOf(({ x, w, b }) => tf.mean(tf.square(tf.relu(tf.add(tf.matMul(x, w), b))))));
  const again = optimize(graph);
  assert.equal(topological(again).length, topological(graph).length);
});
