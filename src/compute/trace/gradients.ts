// The vector-Jacobian product of each kernel, written in tfjs ops. tfjs ships its own, but in a module that Node cannot load
// (ESM without extensions), and they compute what a compiled program need not: the mask of a ReLU from its input, for one.
// Every rule is checked against central differences in float64 (test/compute/kernels.test.ts).
import * as tf from '@tensorflow/tfjs-core';
import { SELU_SCALE, SELU_SCALE_ALPHA } from './activations.ts';
import {
  type Attributes,
  at,
  binary,
  type Gradient,
  type Gradients,
  type Rule,
  spread,
  unary,
  unbroadcast,
  where,
} from './gradient.ts';
import { LIST_GRADIENTS, SHAPE_GRADIENTS } from './shape-gradients.ts';

/** A comparison: no gradient reaches what it compares. */
const jump = (): Gradient =>
  binary(
    (dy) => tf.zerosLike(dy),
    (dy) => tf.zerosLike(dy),
  );

/** A truth about x, whatever its shape: no gradient reaches x. */
const flat: Gradient = { inputs: ['x'], rule: (_dy, saved) => ({ x: () => tf.zeros(at(saved, 0).shape) }) };

/** dA and dB of op(A)·op(B), each as one product; a matrix that a whole batch shares gets the sum over the batch. */
const matmulRule: Rule = (dy, saved, attributes) => {
  const [a, b] = [at(saved, 0), at(saved, 1)];
  const [transposeA, transposeB] = [attributes['transposeA'] === true, attributes['transposeB'] === true];
  const shared = b.size === b.shape.slice(-2).reduce((size, side) => size * side, 1);
  if (!transposeA && shared && a.rank > 2) {
    // The rows of all matrices of A are those of one: so are their gradients, and dB is one product.
    const [rows, gradients] = [
      tf.reshape(a, [-1, a.shape.at(-1) as number]),
      tf.reshape(dy, [-1, dy.shape.at(-1) as number]),
    ];
    const matrix = tf.reshape(b, b.shape.slice(-2));
    return {
      a: () =>
        unbroadcast(
          tf.reshape(tf.matMul(gradients, matrix, false, !transposeB), [...dy.shape.slice(0, -1), -1]),
          a.shape,
        ),
      b: () => tf.reshape(transposeB ? tf.matMul(gradients, rows, true) : tf.matMul(rows, gradients, true), b.shape),
    };
  }
  return {
    a: () =>
      unbroadcast(transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB), a.shape),
    b: () =>
      unbroadcast(transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false), b.shape),
  };
};

/** Every element that attains the extreme gets the gradient, as in tfjs. */
const extreme = (axisName: string): Gradient => ({
  inputs: ['x'],
  output: true,
  rule: (dy, saved, attributes) => ({
    x: () => {
      const [x, y] = [at(saved, 0), at(saved, 1)];
      const axis = attributes[axisName];
      return where(tf.equal(x, spread(y, x, axis)), spread(dy, x, axis));
    },
  }),
});

const GRADIENTS: Gradients = {
  ...SHAPE_GRADIENTS,
  Add: binary(
    (dy) => dy,
    (dy) => dy,
  ),
  Sub: binary(
    (dy) => dy,
    (dy) => tf.neg(dy),
  ),
  Multiply: binary(
    (dy, _a, b) => tf.mul(dy, b),
    (dy, a) => tf.mul(dy, a),
  ),
  RealDiv: binary(
    (dy, _a, b) => tf.div(dy, b),
    (dy, _a, b, y) => tf.neg(tf.div(tf.mul(dy, y), b)),
  ),
  // At a tie the whole gradient goes to a.
  Minimum: binary(
    (dy, a, b) => where(tf.lessEqual(a, b), dy),
    (dy, a, b) => where(tf.greater(a, b), dy),
  ),
  Maximum: binary(
    (dy, a, b) => where(tf.greaterEqual(a, b), dy),
    (dy, a, b) => where(tf.less(a, b), dy),
  ),
  SquaredDifference: binary(
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  ),
  Pow: binary(
    (dy, a, b) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    // Where a ≤ 0 the exponent has no slope: 0, as in tfjs.
    (dy, a, _b, y) => tf.mul(dy, tf.mul(y, where(tf.greater(a, 0), tf.log(a)))),
  ),
  Neg: unary('y', (dy) => tf.neg(dy)),
  Abs: unary('x', (dy, x) => tf.mul(dy, tf.sub(tf.step(x), tf.step(tf.neg(x))))),
  Exp: unary('y', (dy, y) => tf.mul(dy, y)),
  Log: unary('x', (dy, x) => tf.div(dy, x)),
  Sqrt: unary('y', (dy, y) => tf.div(tf.mul(dy, 0.5), y)),
  Square: unary('x', (dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Reciprocal: unary('y', (dy, y) => tf.neg(tf.mul(dy, tf.square(y)))),
  Tanh: unary('y', (dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Sigmoid: unary('y', (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Softplus: unary('x', (dy, x) => tf.mul(dy, tf.sigmoid(x))),
  // step(ReLU(x)) = step(x): the pre-activation need not outlive the forward pass, so it can fuse with its product.
  Relu: unary('y', (dy, y) => tf.mul(dy, tf.step(y))),
  Relu6: unary('x', (dy, x) => where(tf.logicalAnd(tf.greater(x, 0), tf.lessEqual(x, 6)), dy)),
  LeakyRelu: unary('x', (dy, x, { alpha }) => tf.where(tf.greater(x, 0), dy, tf.mul(dy, alpha as number))),
  Prelu: {
    inputs: ['x', 'alpha'],
    rule: (dy, saved) => {
      const [x, alpha] = [at(saved, 0), at(saved, 1)];
      const positive = tf.greater(x, 0);
      return {
        x: () => tf.where(positive, dy, tf.mul(dy, alpha)),
        alpha: () => unbroadcast(tf.where(positive, tf.zerosLike(dy), tf.mul(dy, x)), alpha.shape),
      };
    },
  },
  // Below 0, y = eˣ − 1.
  Elu: unary('y', (dy, y) => tf.where(tf.greaterEqual(y, 0), dy, tf.mul(dy, tf.add(y, 1)))),
  Selu: unary('x', (dy, x) =>
    tf.where(tf.greater(x, 0), tf.mul(dy, SELU_SCALE), tf.mul(dy, tf.mul(tf.exp(x), SELU_SCALE_ALPHA))),
  ),
  Rsqrt: unary('y', (dy, y) => tf.mul(tf.mul(dy, -0.5), tf.mul(y, tf.square(y)))),
  Expm1: unary('y', (dy, y) => tf.mul(dy, tf.add(y, 1))),
  Log1p: unary('x', (dy, x) => tf.div(dy, tf.add(x, 1))),
  Softmax: {
    output: true,
    rule: (dy, saved, { dim }) => ({
      logits: () => {
        const y = at(saved, 0);
        const weighted = tf.mul(dy, y);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, dim as number, true), y));
      },
    }),
  },
  Sign: unary('y', (dy) => tf.zerosLike(dy)),
  Step: unary('y', (dy) => tf.zerosLike(dy)),
  ClipByValue: {
    inputs: ['x'],
    rule: (dy, saved, { clipValueMin, clipValueMax }) => ({
      x: () => {
        const x = at(saved, 0);
        const inside = tf.logicalAnd(
          tf.greaterEqual(x, clipValueMin as number),
          tf.lessEqual(x, clipValueMax as number),
        );
        return where(inside, dy);
      },
    }),
  },
  Select: {
    inputs: ['condition'],
    rule: (dy, saved) => ({
      condition: () => tf.zerosLike(tf.cast(at(saved, 0), 'float32')),
      t: () => tf.where(at(saved, 0), dy, tf.zerosLike(dy)),
      e: () => tf.where(at(saved, 0), tf.zerosLike(dy), dy),
    }),
  },
  Greater: jump(),
  GreaterEqual: jump(),
  Less: jump(),
  LessEqual: jump(),
  Equal: jump(),
  NotEqual: jump(),
  LogicalAnd: jump(),
  LogicalOr: jump(),
  LogicalNot: flat,
  Any: flat,
  All: flat,
  IsNan: flat,
  IsFinite: flat,
  IsInf: flat,
  ZerosLike: unary('y', (dy) => tf.zerosLike(dy)),
  OnesLike: unary('y', (dy) => tf.zerosLike(dy)),
  Sum: {
    inputs: ['x'],
    rule: (dy, saved, { axis }) => ({ x: () => spread(dy, at(saved, 0), axis) }),
  },
  Mean: {
    inputs: ['x'],
    // Divided before it is spread: one number for each mean, not one for each element.
    rule: (dy, saved, { axis }) => ({ x: () => spread(tf.mul(dy, dy.size / at(saved, 0).size), at(saved, 0), axis) }),
  },
  Max: extreme('reductionIndices'),
  Min: extreme('axis'),
  BatchMatMul: { inputs: ['a', 'b'], rule: matmulRule },
};

let registered = false;

/** Registers the gradients with tfjs, once a process; those that the program already registered stay. */
export function registerGradients(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, { inputs, output, rule }] of Object.entries(GRADIENTS)) {
    if (tf.getGradient(kernelName) !== undefined) continue;
    tf.registerGradient({
      kernelName,
      ...(inputs === undefined ? {} : { inputsToSave: [...inputs] }),
      ...(output === undefined ? {} : { outputsToSave: [true] }),
      gradFunc: (dy, saved, attributes) => rule(dy as tf.Tensor, saved, attributes as unknown as Attributes),
    });
  }
  for (const gradient of LIST_GRADIENTS) {
    if (tf.getGradient(gradient.kernelName) === undefined) tf.registerGradient(gradient);
  }
}
