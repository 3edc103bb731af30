// The graphs that the conformance suite runs on every engine. Many cases share one graph: an engine may take seconds to compile one.
import * as tf from '@tensorflow/tfjs-core';
import type { Graph } from '../../src/compute/graph.ts';
import type { Float64Record } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { COMPOSED_CASES, KERNEL_CASES, type KernelCase } from './kernel-cases.ts';
import { uniform } from './support.ts';

export interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** A graph and the numbers to run it on. */
export interface Drawn {
  readonly graph: Graph;
  readonly inputs: Float64Record;
}

type Shapes = Record<string, readonly number[]>;

/**
 * Every kernel case, each at its own triple of sizes: outputs `NN kernel(m,n,k)/y` and, where there is one, the gradient `…/dI` by
 * input I of the sum of y weighted by random numbers, so that a gradient in the wrong place is seen.
 */
export function kernelGraph(sizesOf: (index: number) => Sizes, rng: Pcg64): Drawn {
  const shapes: Shapes = {};
  const inputs: Record<string, Float64Array> = {};
  const placed = [...KERNEL_CASES, ...COMPOSED_CASES].map((one, index) => {
    const { m, n, k } = sizesOf(index);
    const name = `${index} ${one.kernel}(${m},${n},${k})`;
    const operands = one.shapes(m, n, k).map((shape, operand) => [`${name}/x${operand}`, shape] as const);
    const weights = [`${name}/weights`, shapeOfResult(one, operands)] as const;
    const [low, high] = one.range ?? [-2, 2];
    for (const [input, shape] of [...operands, weights]) {
      shapes[input] = shape;
      inputs[input] = input === weights[0] ? uniform(rng, shape, -1, 1) : uniform(rng, shape, low, high);
    }
    return { name, one, operands: operands.map(([input]) => input), weights: weights[0] };
  });
  const graph = trace(
    (_, x) => {
      const read = (name: string): tf.Tensor => x[name] as tf.Tensor;
      return Object.fromEntries(
        placed.flatMap(({ name, one, operands, weights }) => {
          const tensors = operands.map(read);
          const y = [`${name}/y`, one.compute(...tensors)] as const;
          if (one.smooth === false) return [y];
          const loss = (...at: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(one.compute(...at), read(weights)));
          const { grads } = tf.valueAndGrads(loss)(tensors);
          return [y, ...grads.map((gradient, operand) => [`${name}/d${operand}`, gradient] as const)];
        }),
      );
    },
    { state: {}, inputs: shapes },
  );
  return { graph, inputs };
}

function shapeOfResult(
  one: KernelCase,
  operands: readonly (readonly [string, readonly number[]])[],
): readonly number[] {
  const graph = trace((_, x) => ({ y: one.compute(...Object.values(x)) }), {
    state: {},
    inputs: Object.fromEntries(operands),
  });
  return graph.outputs.get('y')?.shape ?? [];
}

/** m, k, n of products: every tail of a vector width, a row, a column, one inner number, long and thin. */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 7, 1],
  [1, 17, 33],
  [33, 17, 1],
  [17, 1, 9],
  [1, 1, 48],
  [8, 16, 32],
  [9, 8, 7],
  [15, 31, 47],
  [16, 48, 16],
  [49, 65, 33],
  [100, 3, 65],
  [2, 100, 3],
  // Large enough that onnxruntime cuts it by threads.
  [64, 200, 70],
];

/** What is done with a product, for an engine may fuse it; each shape and transposition gets two of these in turn. */
const USES: readonly (readonly [string, (product: tf.Tensor, bias: tf.Tensor) => tf.Tensor])[] = [
  ['plain', (product) => product],
  ['with a bias', (product, bias) => tf.add(product, bias)],
  ['with a bias and a ReLU', (product, bias) => tf.relu(tf.add(product, bias))],
  [
    'its last columns',
    (product) => {
      const last = Math.max(1, (product.shape[1] as number) - 2);
      return tf.slice(tf.neg(product), [0, (product.shape[1] as number) - last], [-1, last]);
    },
  ],
  ['its column sums', (product) => tf.sum(tf.square(product), 0)],
];

/** Products of every shape and transposition, or every `step`th of them. */
export function productGraph(rng: Pcg64, step = 1): Drawn {
  const shapes: Shapes = {};
  const each = PRODUCTS.flatMap(([m, k, n]) =>
    [false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) => {
        const name = `[${m},${k}]·[${k},${n}]${transposeA ? ' A transposed' : ''}${transposeB ? ' B transposed' : ''}`;
        shapes[`${name}/a`] = transposeA ? [k, m] : [m, k];
        shapes[`${name}/b`] = transposeB ? [n, k] : [k, n];
        shapes[`${name}/bias`] = [n];
        return { name, transposeA, transposeB };
      }),
    ),
  ).filter((_, index) => index % step === 0);
  const graph = trace(
    (_, x) =>
      Object.fromEntries(
        each.flatMap(({ name, transposeA, transposeB }, index) => {
          const [a, b, bias] = ['a', 'b', 'bias'].map((operand) => x[`${name}/${operand}`]) as [
            tf.Tensor,
            tf.Tensor,
            tf.Tensor,
          ];
          return [2 * index, 2 * index + 1].map((turn) => {
            const [use, of] = USES[turn % USES.length] as (typeof USES)[number];
            return [`${name}/${use}`, of(tf.matMul(a, b, transposeA, transposeB), bias)];
          });
        }),
      ),
    { state: {}, inputs: shapes },
  );
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, uniform(rng, shape, -2, 2)]));
  return { graph, inputs };
}

/** Every pair of these meets; 3e38 overflows where it is doubled. No denormal numbers: an engine may take them for 0. */
const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1, -1, 0.5, -2, 3e38, -3e38];
const PAIRS = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));

/** NaN and infinities through everything that could hide or make one. x and y hold every pair; z has NaN in one row only. */
export function specialGraph(): Drawn {
  const length = PAIRS.length;
  const graph = trace(
    (_, { x, y, z, w }) => ({
      relu: tf.relu(x),
      relu6: tf.relu6(x),
      leakyRelu: tf.leakyRelu(x),
      elu: tf.elu(x),
      step: tf.step(x),
      sign: tf.sign(x),
      abs: tf.abs(x),
      neg: tf.neg(x),
      square: tf.square(x),
      sqrt: tf.sqrt(x),
      reciprocal: tf.reciprocal(x),
      exp: tf.exp(x),
      log: tf.log(x),
      log1p: tf.log1p(x),
      expm1: tf.expm1(x),
      tanh: tf.tanh(x),
      sigmoid: tf.sigmoid(x),
      softplus: tf.softplus(x),
      clip: tf.clipByValue(x, -0.75, 0.75),
      clipBelow: tf.clipByValue(x, -0.75, Number.POSITIVE_INFINITY),
      minimum: tf.minimum(x, y),
      maximum: tf.maximum(x, y),
      minimumOfNumber: tf.minimum(x, 0.25),
      maximumOfNumber: tf.maximum(0.25, x),
      add: tf.add(x, y),
      sub: tf.sub(x, y),
      mul: tf.mul(x, y),
      timesZero: tf.mul(x, 0),
      div: tf.div(x, y),
      where: tf.where(tf.greater(x, 0), x, y),
      whereNot: tf.where(tf.lessEqual(x, 0), y, 0),
      greater: tf.cast(tf.greater(x, y), 'float32'),
      greaterEqual: tf.cast(tf.greaterEqual(x, y), 'float32'),
      less: tf.cast(tf.less(x, y), 'float32'),
      lessEqual: tf.cast(tf.lessEqual(x, y), 'float32'),
      equal: tf.cast(tf.equal(x, y), 'float32'),
      notEqual: tf.cast(tf.notEqual(x, y), 'float32'),
      isNaN: tf.cast(tf.isNaN(x), 'float32'),
      isFinite: tf.cast(tf.isFinite(x), 'float32'),
      reluGradient: tf.grad((at) => tf.sum(tf.relu(at)))(x),
      clipGradient: tf.grad((at) => tf.sum(tf.clipByValue(at, -1, 1)))(x),
      minimumGradient: tf.grad((at) => tf.sum(tf.minimum(at, y)))(x),
      rowMaxima: tf.max(z, 1),
      rowMinima: tf.min(z, 1),
      rowSums: tf.sum(z, 1),
      columnMeans: tf.mean(z, 0),
      total: tf.sum(z),
      softmax: tf.softmax(z),
      product: tf.matMul(z, w),
      productRelu: tf.relu(tf.matMul(z, w)),
      transposedProduct: tf.matMul(w, z, true, true),
    }),
    { state: {}, inputs: { x: [length], y: [length], z: [5, 19], w: [19, 18] } },
  );
  const z = Float64Array.from({ length: 95 }, (_, index) => Math.sin(index));
  z[2 * 19 + 17] = Number.NaN;
  z[3 * 19 + 2] = Number.POSITIVE_INFINITY;
  return {
    graph,
    inputs: {
      x: Float64Array.from(PAIRS, ([a]) => Math.fround(a)),
      y: Float64Array.from(PAIRS, ([, b]) => Math.fround(b)),
      z: z.map(Math.fround),
      w: Float64Array.from({ length: 19 * 18 }, (_, index) => Math.fround(Math.cos(index))),
    },
  };
}

/** What crosses the border of a program in every way there is; see the names. `swapA` and `swapB` change places at each call. */
export const stateGraph = (): Graph =>
  trace(
    ({ sum, kept, copied, swapA, swapB, constant, taken, turned }, { x, matrix }) => {
      sum.assign(tf.add(sum, x));
      copied.assign(kept);
      const held = tf.clone(swapA);
      swapA.assign(swapB);
      swapB.assign(held);
      constant.assign(tf.tensor1d([7, 8, 9]));
      taken.assign(x);
      turned.assign(tf.transpose(turned) as tf.Tensor);
      return {
        total: sum,
        again: sum,
        product: tf.mul(sum, kept),
        fixed: tf.tensor1d([5, 6]),
        filled: tf.fill([2, 3], 0.25),
        passed: x,
        passedTwice: x,
        turnedMatrix: tf.transpose(matrix),
        reshaped: tf.reshape(matrix, [6]),
        before: kept,
        number: tf.sum(x),
        truth: tf.greater(x, 0),
      };
    },
    {
      state: {
        sum: [3],
        kept: [3],
        copied: [3],
        swapA: [17],
        swapB: [17],
        constant: [3],
        taken: [3],
        turned: [5, 5],
        unread: [1],
      },
      inputs: { x: [3], matrix: [2, 3], unused: [3] },
    },
  );
