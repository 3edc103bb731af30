// What the rules of gradients.ts are written with: the type of a rule, and the shapes that many of them share.
import * as tf from '@tensorflow/tfjs-core';

type Saved = tf.Tensor[];
export type Attributes = Readonly<Record<string, unknown>>;
/** From dL/dy, what was saved of the forward pass and the attributes: dL/dx of each input. */
export type Rule = (dy: tf.Tensor, saved: Saved, attributes: Attributes) => Record<string, () => tf.Tensor>;

export interface Gradient {
  readonly inputs?: readonly string[];
  readonly output?: true;
  readonly rule: Rule;
}
export type Gradients = Readonly<Record<string, Gradient>>;

/** Sums what broadcasting repeated, so that the gradient has the shape of its input. */
export function unbroadcast(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), [...shape]);
}

export const at = (saved: Saved, index: number): tf.Tensor => saved[index] as tf.Tensor;

/** y = f(x): dx = dy · slope(x or y). */
export const unary = (
  from: 'x' | 'y',
  backward: (dy: tf.Tensor, saved: tf.Tensor, attributes: Attributes) => tf.Tensor,
): Gradient => ({
  ...(from === 'x' ? { inputs: ['x'] } : { output: true as const }),
  rule: (dy, saved, attributes) => ({ x: () => backward(dy, at(saved, 0), attributes) }),
});

/** y = f(a, b) with broadcasting. */
export const binary = (
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

/** dy where the condition holds, else 0. */
export const where = (condition: tf.Tensor, value: tf.Tensor): tf.Tensor =>
  tf.where(condition, value, tf.zerosLike(value));

/** Spreads a reduced gradient over the axes that were reduced. */
export function spread(reduced: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam((axis ?? null) as number | number[], x.shape);
  const kept = x.shape.map((size, index) => (axes.includes(index) ? 1 : size));
  return tf.broadcastTo(tf.reshape(reduced, kept), x.shape);
}
