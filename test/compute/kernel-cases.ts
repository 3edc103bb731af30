// One case a traced kernel, and those of ops that tfjs composes: what to compute, on which shapes, over which numbers.
// Read by the kernel tests (forward and gradient) and by the conformance suite of the engines.
import * as tf from '@tensorflow/tfjs-core';

export interface KernelCase {
  /** A tfjs kernel; for a composed op its name, such as `logSoftmax`. */
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
    // Its kink is at a computed number, which float32 may put on the other side; and in a gradient tfjs does not fuse.
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
  { kernel: 'Pack', shapes: pairs, compute: (a, b) => tf.stack([a as tf.Tensor, b as tf.Tensor], 1) },
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
  { kernel: 'LeakyRelu', shapes: same, compute: (x) => tf.leakyRelu(x as tf.Tensor, 0.1) },
  {
    kernel: 'Prelu',
    shapes: (m, n) => [[m, n], [n]],
    compute: (x, alpha) => tf.prelu(x as tf.Tensor, alpha as tf.Tensor),
  },
  { kernel: 'Elu', shapes: same, compute: (x) => tf.elu(x as tf.Tensor) },
  { kernel: 'Selu', shapes: same, compute: (x) => tf.selu(x as tf.Tensor) },
  { kernel: 'Relu6', shapes: same, range: [-4, 9], compute: (x) => tf.relu6(x as tf.Tensor) },
  { kernel: 'Sign', shapes: same, smooth: false, compute: (x) => tf.sign(x as tf.Tensor) },
  { kernel: 'Rsqrt', shapes: same, range: positive, compute: (x) => tf.rsqrt(x as tf.Tensor) },
  { kernel: 'Expm1', shapes: same, compute: (x) => tf.expm1(x as tf.Tensor) },
  { kernel: 'Expm1', shapes: same, range: [-1e-3, 1e-3], compute: (x) => tf.mul(1e3, tf.expm1(x as tf.Tensor)) },
  { kernel: 'Log1p', shapes: same, range: [-0.9, 4], compute: (x) => tf.log1p(x as tf.Tensor) },
  { kernel: 'Log1p', shapes: same, range: [-1e-3, 1e-3], compute: (x) => tf.mul(1e3, tf.log1p(x as tf.Tensor)) },
  { kernel: 'Softmax', shapes: same, compute: (x) => tf.softmax(x as tf.Tensor) },
  {
    kernel: 'NotEqual',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => float(tf.notEqual(tf.step(a as tf.Tensor), tf.step(b as tf.Tensor))),
  },
  {
    kernel: 'LogicalOr',
    shapes: row,
    smooth: false,
    compute: (a, b) => float(tf.logicalOr(tf.greater(a as tf.Tensor, 1), tf.less(b as tf.Tensor, -1))),
  },
  {
    kernel: 'LogicalNot',
    shapes: same,
    smooth: false,
    compute: (x) => float(tf.logicalNot(tf.greater(x as tf.Tensor, 1))),
  },
  { kernel: 'Any', shapes: same, smooth: false, compute: (x) => float(tf.any(tf.greater(x as tf.Tensor, 1.2), 1)) },
  { kernel: 'All', shapes: same, smooth: false, compute: (x) => float(tf.all(tf.less(x as tf.Tensor, 1.2), 0, true)) },
  { kernel: 'IsNan', shapes: same, smooth: false, compute: (x) => float(tf.isNaN(tf.sqrt(x as tf.Tensor))) },
  {
    kernel: 'IsFinite',
    shapes: same,
    smooth: false,
    compute: (x) => float(tf.isFinite(tf.log(tf.relu(x as tf.Tensor)))),
  },
  { kernel: 'IsInf', shapes: same, smooth: false, compute: (x) => float(tf.isInf(tf.log(tf.relu(x as tf.Tensor)))) },
  { kernel: 'Min', shapes: same, compute: (x) => tf.min(x as tf.Tensor, 0) },
  {
    kernel: 'Min',
    shapes: (m, n, k) => [[m, n, Math.min(k, 5)]],
    compute: (x) => tf.min(x as tf.Tensor, [0, 2], true),
  },
  { kernel: 'Max', shapes: same, compute: (x) => tf.max(x as tf.Tensor) },
  { kernel: 'Sum', shapes: same, compute: (x) => tf.sum(x as tf.Tensor) },
  { kernel: 'Sum', shapes: same, compute: (x) => tf.sum(x as tf.Tensor, 0) },
  { kernel: 'Sum', shapes: same, compute: (x) => tf.sum(x as tf.Tensor, -1) },
  {
    kernel: 'Unpack',
    shapes: (m, n) => [[m, 3, n]],
    compute: (x) => {
      const [first, , last] = tf.unstack(x as tf.Tensor, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.sub(first, tf.square(last));
    },
  },
  {
    kernel: 'Unpack',
    shapes: (_, n) => [[1, n]],
    compute: (x) => tf.square(tf.unstack(x as tf.Tensor)[0] as tf.Tensor),
  },
  {
    kernel: 'StridedSlice',
    shapes: (m, n) => [[m + 2, n + 1]],
    // x[1:-1, newaxis, -1]
    compute: (x) => tf.stridedSlice(x as tf.Tensor, [1, 0, -1], [-1, 0, 0], [1, 1, 1], 0, 0, 0, 2, 4),
  },
  {
    kernel: 'OneHot',
    shapes: () => [[3, 4]],
    compute: (x) => tf.mul(x as tf.Tensor, tf.oneHot(tf.tensor1d([2, 0, 3], 'int32'), 4)),
  },
  {
    kernel: 'GatherV2',
    shapes: (m, n) => [[m, n + 2]],
    compute: (x) =>
      tf.gather(
        x as tf.Tensor,
        tf.tensor2d(
          [
            [2, 0],
            [1, 2],
          ],
          [2, 2],
          'int32',
        ),
        1,
      ),
  },
  { kernel: 'Add', shapes: () => [[], []], compute: (a, b) => tf.add(a as tf.Tensor, b as tf.Tensor) },
  // Rank 3 and 4, as the kernels of particle methods broadcast.
  {
    kernel: 'SquaredDifference',
    shapes: (m, n) => [
      [2, 3, 1, n],
      [2, 1, Math.min(m, 4), n],
    ],
    compute: (a, b) => tf.sum(tf.squaredDifference(a as tf.Tensor, b as tf.Tensor), -1),
  },
  {
    kernel: 'Multiply',
    shapes: (m, n) => [
      [Math.min(m, 7), 1, n],
      [3, 1],
    ],
    compute: (a, b) => tf.mul(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: 'Transpose',
    shapes: (m, n) => [[2, m, 3, n]],
    compute: (x) => tf.transpose(x as tf.Tensor, [2, 0, 3, 1]),
  },
  {
    kernel: 'Tile',
    shapes: (m, n) => [[m, 1, n]],
    compute: (x) => tf.tile(x as tf.Tensor, [1, 3, 2]),
  },
  {
    kernel: 'Select',
    shapes: (m, n) => [[n], [m, n], []],
    compute: (a, b, c) => tf.where(tf.greater(a as tf.Tensor, 0), b as tf.Tensor, c as tf.Tensor),
  },
  // One matrix for a batch; a few matrices each; many small ones.
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [3, m, k],
      [k, n],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n, k) => [
      [2, k, m],
      [2, n, k],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, true, true),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n) => [
      [1, m, 3],
      [2, 3, n],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (_, n) => [
      [17, 3, 2],
      [17, Math.min(n, 3), 3],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, true, true),
  },
  {
    kernel: 'BatchMatMul',
    shapes: (m, n) => [
      [2, 2, m, 3],
      [2, 2, 3, n],
    ],
    compute: (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: '_FusedMatMul',
    shapes: (m, n, k) => [[m, k], [k, n], [n]],
    compute: (a, b, bias) =>
      tf.fused.matMul({ a: a as tf.Tensor, b: b as tf.Tensor, bias: bias as tf.Tensor, activation: 'linear' }),
  },
  ...(['elu', 'relu6', 'leakyrelu', 'sigmoid'] as const).map(
    (activation): KernelCase => ({
      kernel: '_FusedMatMul',
      shapes: (m, n, k) => [[m, k], [k, n], [n]],
      smooth: false,
      compute: (a, b, bias) =>
        tf.fused.matMul({ a: a as tf.Tensor, b: b as tf.Tensor, bias: bias as tf.Tensor, activation }),
    }),
  ),
];

/** Ops without a kernel of their own: tfjs makes them of others, some with a gradient of its own. */
export const COMPOSED_CASES: readonly KernelCase[] = [
  { kernel: 'logSoftmax', shapes: same, compute: (x) => tf.logSoftmax(x as tf.Tensor) },
  { kernel: 'logSumExp', shapes: same, compute: (x) => tf.logSumExp(x as tf.Tensor, 0) },
  { kernel: 'logSigmoid', shapes: same, range: [-20, 20], compute: (x) => tf.logSigmoid(x as tf.Tensor) },
  { kernel: 'norm', shapes: same, range: positive, compute: (x) => tf.norm(x as tf.Tensor, 'euclidean', 1) },
  { kernel: 'moments', shapes: same, compute: (x) => tf.moments(x as tf.Tensor, 0, true).variance },
  {
    kernel: 'divNoNan',
    shapes: column,
    range: positive,
    compute: (a, b) => tf.divNoNan(a as tf.Tensor, b as tf.Tensor),
  },
  {
    kernel: 'logicalXor',
    shapes: pairs,
    smooth: false,
    compute: (a, b) => float(tf.logicalXor(tf.greater(a as tf.Tensor, 0), tf.greater(b as tf.Tensor, 0))),
  },
  {
    kernel: 'outerProduct',
    shapes: (m, n) => [[m], [n]],
    compute: (a, b) => tf.outerProduct(a as tf.Tensor1D, b as tf.Tensor1D),
  },
  { kernel: 'squeeze', shapes: (m, n) => [[m, 1, n]], compute: (x) => tf.square(tf.squeeze(x as tf.Tensor, [1])) },
  {
    kernel: 'huberLoss',
    shapes: pairs,
    compute: (a, b) => tf.losses.huberLoss(a as tf.Tensor, b as tf.Tensor),
  },
];
