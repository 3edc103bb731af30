// One case a traced kernel: what to compute, on which shapes, over which numbers. Read by the forward and the gradient tests.
import * as tf from '@tensorflow/tfjs-core';

export interface KernelCase {
  readonly kernel: string;
  /** Shapes of the inputs, from three random sizes. */
  readonly shapes: (m: number, n: number, k: number) => readonly (readonly number[])[];
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Numbers the inputs are drawn from; [−2, 2) by default. */
  readonly range?: readonly [number, number];
  /** False where the result is a constant or a jump, so that there is no gradient to check. */
  readonly smooth?: false;
}

const same: KernelCase['shapes'] = (m, n) => [[m, n]];
const pairs: KernelCase['shapes'] = (m, n) => [
  [m, n],
  [m, n],
];
const row: KernelCase['shapes'] = (m, n) => [[m, n], [n]];
const column: KernelCase['shapes'] = (m, n) => [
  [m, 1],
  [m, n],
];
const positive = [0.1, 3] as const;
const float = (x: tf.Tensor): tf.Tensor => tf.cast(x, 'float32');

export const KERNEL_CASES: readonly KernelCase[] = [
  { kernel: 'Add', shapes: row, compute: (a, b) => tf.add(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'Sub', shapes: column, compute: (a, b) => tf.sub(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'Multiply', shapes: row, compute: (a, b) => tf.mul(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'RealDiv', shapes: column, range: positive, compute: (a, b) => tf.div(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'Minimum', shapes: pairs, compute: (a, b) => tf.minimum(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'Maximum', shapes: row, compute: (a, b) => tf.maximum(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'Pow', shapes: pairs, range: positive, compute: (a, b) => tf.pow(a as tf.Tensor, b as tf.Tensor) },
  { kernel: 'SquaredDifference', shapes: row, compute: (a, b) => tf.squaredDifference(a as tf.Tensor, b as tf.Tensor) },
  {
    kernel: 'AddN',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => tf.addN([a as tf.Tensor, b as tf.Tensor, a as tf.Tensor]),
  },
  {
    kernel: 'Greater',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => float(tf.greater(a as tf.Tensor, b as tf.Tensor)),
  },
  {
    kernel: 'GreaterEqual',
    shapes: row,
    smooth: false,
    compute: (a, b) => float(tf.greaterEqual(a as tf.Tensor, b as tf.Tensor)),
  },
  { kernel: 'Less', shapes: pairs, smooth: false, compute: (a, b) => float(tf.less(a as tf.Tensor, b as tf.Tensor)) },
  {
    kernel: 'LessEqual',
    shapes: column,
    smooth: false,
    compute: (a, b) => float(tf.lessEqual(a as tf.Tensor, b as tf.Tensor)),
  },
  {
    kernel: 'Equal',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => float(tf.equal(tf.step(a as tf.Tensor), tf.step(b as tf.Tensor))),
  },
  {
    kernel: 'LogicalAnd',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => float(tf.logicalAnd(tf.greater(a as tf.Tensor, 0), tf.less(b as tf.Tensor, 1))),
  },
  { kernel: 'Neg', shapes: same, compute: (x) => tf.neg(x as tf.Tensor) },
  { kernel: 'Abs', shapes: same, compute: (x) => tf.abs(x as tf.Tensor) },
  { kernel: 'Exp', shapes: same, compute: (x) => tf.exp(x as tf.Tensor) },
  { kernel: 'Log', shapes: same, range: positive, compute: (x) => tf.log(x as tf.Tensor) },
  { kernel: 'Sqrt', shapes: same, range: positive, compute: (x) => tf.sqrt(x as tf.Tensor) },
  { kernel: 'Square', shapes: same, compute: (x) => tf.square(x as tf.Tensor) },
  { kernel: 'Reciprocal', shapes: same, range: positive, compute: (x) => tf.reciprocal(x as tf.Tensor) },
  { kernel: 'Tanh', shapes: same, range: [-6, 6], compute: (x) => tf.tanh(x as tf.Tensor) },
  { kernel: 'Sigmoid', shapes: same, range: [-8, 8], compute: (x) => tf.sigmoid(x as tf.Tensor) },
  { kernel: 'Softplus', shapes: same, range: [-30, 30], compute: (x) => tf.softplus(x as tf.Tensor) },
  { kernel: 'Relu', shapes: same, compute: (x) => tf.relu(x as tf.Tensor) },
  { kernel: 'Step', shapes: same, smooth: false, compute: (x) => tf.step(x as tf.Tensor) },
  { kernel: 'ClipByValue', shapes: same, compute: (x) => tf.clipByValue(x as tf.Tensor, -1, 0.5) },
  { kernel: 'Cast', shapes: same, compute: (x) => tf.mul(float(tf.cast(x as tf.Tensor, 'bool')), x as tf.Tensor) },
  {
    kernel: 'Select',
    shapes: (m, n) => [[m, n], [m, n], [n]],
    compute: (a, b, c) => tf.where(tf.greater(a as tf.Tensor, 0), b as tf.Tensor, c as tf.Tensor),
  },
  { kernel: 'Sum', shapes: (m, n, k) => [[m, n, k]], compute: (x) => tf.sum(x as tf.Tensor, [0, 2]) },
  { kernel: 'Mean', shapes: same, compute: (x) => tf.mean(x as tf.Tensor, 1, true) },
  { kernel: 'Max', shapes: same, compute: (x) => tf.max(x as tf.Tensor, 1) },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [m, k],
      [k, n],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [k, m],
      [k, n],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, true),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [m, k],
      [n, k],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, false, true),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [k, m],
      [n, k],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, true, true),
  },
  {
    kernel: '_FusedMatMul',
    shapes: (m, n, k) => [[m, k], [k, n], [n]],
    smooth: false,
    compute: (a, b, bias) =>
      tf.fused.matMul({ a: a as tf.Tensor, b: b as tf.Tensor, bias: bias as tf.Tensor, activation: 'relu' }),
  },
  { kernel: 'Identity', shapes: same, compute: (x) => tf.clone(x as tf.Tensor) },
  { kernel: 'Reshape', shapes: same, compute: (x) => tf.reshape(x as tf.Tensor, [-1]) },
  { kernel: 'ExpandDims', shapes: same, compute: (x) => tf.expandDims(x as tf.Tensor, -1) },
  { kernel: 'Transpose', shapes: (m, n, k) => [[m, n, k]], compute: (x) => tf.transpose(x as tf.Tensor, [2, 0, 1]) },
  { kernel: 'Tile', shapes: same, compute: (x) => tf.tile(x as tf.Tensor, [2, 3]) },
  {
    kernel: 'Tile',
    shapes: (m) => [[m, 1]],
    compute: (x) => tf.broadcastTo(x as tf.Tensor, [x?.shape[0] as number, 4]),
  },
  {
    kernel: 'Concat',
    shapes: (m, n, k) => [
      [m, n],
      [m, k],
    ],
    compute: (a, b) => tf.concat([a as tf.Tensor, b as tf.Tensor], 1),
  },
  { kernel: 'Pack', shapes: pairs, smooth: false, compute: (a, b) => tf.stack([a as tf.Tensor, b as tf.Tensor], 1) },
  {
    kernel: 'Slice',
    shapes: (m, n) => [[m + 1, n + 2]],
    compute: (x) => tf.slice(x as tf.Tensor, [1, 1], [-1, (x?.shape[1] as number) - 2]),
  },
  {
    kernel: 'SplitV',
    shapes: (m, n) => [[m, n + 1]],
    compute: (x) =>
      tf.mul(...(tf.split(x as tf.Tensor, [1, (x?.shape[1] as number) - 1], 1) as [tf.Tensor, tf.Tensor])),
  },
  {
    kernel: 'PadV2',
    shapes: same,
    compute: (x) =>
      tf.pad(
        x as tf.Tensor,
        [
          [1, 0],
          [2, 1],
        ],
        0.5,
      ),
  },
  { kernel: 'Fill', shapes: same, compute: (x) => tf.add(x as tf.Tensor, tf.fill([x?.shape[1] as number], 3)) },
  { kernel: 'ZerosLike', shapes: same, compute: (x) => tf.add(x as tf.Tensor, tf.zerosLike(x as tf.Tensor)) },
  { kernel: 'OnesLike', shapes: same, compute: (x) => tf.add(x as tf.Tensor, tf.onesLike(x as tf.Tensor)) },
];
