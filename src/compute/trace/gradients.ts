// The vector-Jacobian product of each kernel, written in tfjs ops. tfjs ships its own, but in a module that Node cannot load
// (ESM without extensions), and they compute what a compiled program need not: the mask of a ReLU from its input, for one.
// Every rule is checked against central differences in float64 (test/compute/gradients.test.ts).
import * as tf from '@tensorflow/tfjs-core';

type Saved = tf.Tensor[];
type Attributes = Readonly<Record<string, unknown>>;
/** From dL/dy, what was saved of the forward pass and the attributes: dL/dx of each input. */
type Rule = (dy: tf.Tensor, saved: Saved, attributes: Attributes) => Record<string, () => tf.Tensor>;

interface Gradient {
  readonly inputs?: readonly string[];
  readonly output?: true;
  readonly rule: Rule;
}

/** Sums what broadcasting repeated, so that the gradient has the shape of its input. */
function unbroadcast(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), [...shape]);
}

const at = (saved: Saved, index: number): tf.Tensor => saved[index] as tf.Tensor;

/** y = f(x): dx = dy · slope(x or y). */
const unary = (from: 'x' | 'y', backward: (dy: tf.Tensor, saved: tf.Tensor) => tf.Tensor): Gradient => ({
  ...(from === 'x' ? { inputs: ['x'] } : { output: true as const }),
  rule: (dy, saved) => ({ x: () => backward(dy, at(saved, 0)) }),
});

/** y = f(a, b) with broadcasting. */
const binary = (
  da: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, y: tf.Tensor) => tf.Tensor,
  db: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, y: tf.Tensor) => tf.Tensor,
): Gradient => ({
  inputs: ['a', 'b'],
  output: true,
  rule: (dy, saved) => {
    const [a, b, y] = [at(saved, 0), at(saved, 1), at(saved, 2)];
    return { a: () => unbroadcast(da(dy, a, b, y), a.shape), b: () => unbroadcast(db(dy, a, b, y), b.shape) };
  },
});

/** A comparison: no gradient reaches what it compares. */
const jump = (): Gradient =>
  binary(
    (dy) => tf.zerosLike(dy),
    (dy) => tf.zerosLike(dy),
  );

const where = (condition: tf.Tensor, value: tf.Tensor): tf.Tensor => tf.where(condition, value, tf.zerosLike(value));

/** dA and dB of op(A)·op(B), each as one product. */
const matmulRule: Rule = (dy, saved, attributes) => {
  const [a, b] = [at(saved, 0), at(saved, 1)];
  const [transposeA, transposeB] = [attributes['transposeA'] === true, attributes['transposeB'] === true];
  return {
    a: () => (transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB)),
    b: () => (transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false)),
  };
};

/** Spreads a reduced gradient over the axes that were reduced. */
function spread(reduced: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam((axis ?? null) as number | number[], x.shape);
  const kept = x.shape.map((size, index) => (axes.includes(index) ? 1 : size));
  return tf.broadcastTo(tf.reshape(reduced, kept), x.shape);
}

const GRADIENTS: Readonly<Record<string, Gradient>> = {
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
    (dy, a, _b, y) => tf.mul(dy, tf.mul(y, tf.log(a))),
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
  // What becomes a truth value does not change with a small step.
  Cast: { rule: (dy, _saved, { dtype }) => ({ x: () => (dtype === 'bool' ? tf.zerosLike(dy) : dy) }) },
  Greater: jump(),
  GreaterEqual: jump(),
  Less: jump(),
  LessEqual: jump(),
  Equal: jump(),
  LogicalAnd: jump(),
  ZerosLike: unary('y', (dy) => tf.zerosLike(dy)),
  OnesLike: unary('y', (dy) => tf.zerosLike(dy)),
  Identity: { rule: (dy) => ({ x: () => dy }) },
  Sum: {
    inputs: ['x'],
    rule: (dy, saved, { axis }) => ({ x: () => spread(dy, at(saved, 0), axis) }),
  },
  Mean: {
    inputs: ['x'],
    // Divided before it is spread: one number for each mean, not one for each element.
    rule: (dy, saved, { axis }) => ({ x: () => spread(tf.mul(dy, dy.size / at(saved, 0).size), at(saved, 0), axis) }),
  },
  Max: {
    inputs: ['x'],
    output: true,
    // Every element that attains the maximum gets the gradient, as in tfjs.
    rule: (dy, saved, { reductionIndices }) => ({
      x: () => {
        const x = at(saved, 0);
        return where(tf.equal(x, spread(at(saved, 1), x, reductionIndices)), spread(dy, x, reductionIndices));
      },
    }),
  },
  BatchMatMul: { inputs: ['a', 'b'], rule: matmulRule },
  Reshape: { inputs: ['x'], rule: (dy, saved) => ({ x: () => tf.reshape(dy, at(saved, 0).shape) }) },
  ExpandDims: { inputs: ['input'], rule: (dy, saved) => ({ input: () => tf.reshape(dy, at(saved, 0).shape) }) },
  Transpose: {
    rule: (dy, _saved, { perm }) => ({
      x: () =>
        tf.transpose(
          dy,
          (perm as number[]).map((_, axis) => (perm as number[]).indexOf(axis)),
        ),
    }),
  },
  Tile: {
    inputs: ['x'],
    rule: (dy, saved, { reps }) => ({
      x: () => {
        const x = at(saved, 0);
        // [r0·d0, r1·d1, …] seen as [r0, d0, r1, d1, …]: the repetitions are every other axis.
        const split = x.shape.flatMap((size, axis) => [(reps as number[])[axis] as number, size]);
        const repetitions = x.shape.map((_, axis) => 2 * axis);
        return tf.reshape(tf.sum(tf.reshape(dy, split), repetitions), x.shape);
      },
    }),
  },
  Slice: {
    inputs: ['x'],
    rule: (dy, saved, { begin }) => ({
      x: () => {
        const x = at(saved, 0);
        const start = begin as number[];
        return tf.pad(
          dy,
          x.shape.map((size, axis) => [
            start[axis] as number,
            size - (start[axis] as number) - (dy.shape[axis] as number),
          ]),
        );
      },
    }),
  },
  PadV2: {
    inputs: ['x'],
    rule: (dy, saved, { paddings }) => ({
      x: () =>
        tf.slice(
          dy,
          (paddings as [number, number][]).map(([before]) => before),
          at(saved, 0).shape,
        ),
    }),
  },
};

/** A Tensor-list kernel: its inputs are named 0, 1, …, so the rules are made when it is known how many there are. */
const concatGradient: tf.GradConfig = {
  kernelName: 'Concat',
  saveAllInputs: true,
  gradFunc: (dy, saved, attributes) => {
    const shapes = saved.map((tensor) => tensor.shape);
    const axis = tf.util.parseAxisParam(attributes['axis'] as number, shapes[0] as number[])[0] as number;
    const parts = tf.split(
      dy as tf.Tensor,
      shapes.map((shape) => shape[axis] as number),
      axis,
    );
    return Object.fromEntries(parts.map((part, index) => [String(index), () => part]));
  },
};

const splitGradient: tf.GradConfig = {
  kernelName: 'SplitV',
  gradFunc: (dy, _saved, attributes) => ({ x: () => tf.concat(dy as tf.Tensor[], attributes['axis'] as number) }),
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
  for (const gradient of [concatGradient, splitGradient]) {
    if (tf.getGradient(gradient.kernelName) === undefined) tf.registerGradient(gradient);
  }
}
