// Activations and functions of one number that a graph has no op for, each written in those it has.
import type * as tf from '@tensorflow/tfjs-core';
import type { TraceBackend } from './backend.ts';
import { binary, type Kernel, type Kernels, one, reduce, select, unary } from './kernel.ts';
import { untraceable } from './untraceable.ts';

/** Klambauer et al. 2017, arXiv:1706.02515. */
export const SELU_SCALE = 1.0507009873554805;
export const SELU_SCALE_ALPHA = 1.7580993408473768;

/** x where x ≥ 0, else `below`; NaN is neither, and comes out of `below`. */
const kinked =
  (
    above: (backend: TraceBackend, x: tf.TensorInfo) => tf.TensorInfo,
    below: (backend: TraceBackend, x: tf.TensorInfo, attributes: Readonly<Record<string, unknown>>) => tf.TensorInfo,
  ): Kernel =>
  (backend, inputs, attributes) => {
    const x = one(inputs);
    const positive = binary(backend, 'greaterEqual', x, 0);
    return select(backend, positive, above(backend, x), below(backend, x, attributes), x.shape);
  };

const clip = (backend: TraceBackend, x: tf.TensorInfo, min: number, max: number): tf.TensorInfo =>
  backend.emit({ kind: 'clip', min, max }, [x], x.shape);

/** exp(x) − 1, good to an absolute 6e-8: as an activation, next to other numbers near 1. */
const expMinusOne = (backend: TraceBackend, x: tf.TensorInfo): tf.TensorInfo =>
  binary(backend, 'sub', unary(backend, 'exp', x), 1);

export const ACTIVATIONS: Kernels = {
  LeakyRelu: kinked(
    (_, x) => x,
    (backend, x, { alpha }) => binary(backend, 'mul', x, alpha as number),
  ),
  Prelu: (backend, inputs) => {
    const [x, alpha] = [one(inputs), one(inputs, 'alpha')];
    return select(backend, binary(backend, 'greaterEqual', x, 0), x, binary(backend, 'mul', alpha, x), x.shape);
  },
  Elu: kinked((_, x) => x, expMinusOne),
  Selu: kinked(
    (backend, x) => binary(backend, 'mul', x, SELU_SCALE),
    (backend, x) => binary(backend, 'mul', expMinusOne(backend, x), SELU_SCALE_ALPHA),
  ),
  Relu6: (backend, inputs) => clip(backend, one(inputs), 0, 6),
  Sign: (backend, inputs) => {
    const x = one(inputs);
    return binary(backend, 'sub', unary(backend, 'step', x), unary(backend, 'step', unary(backend, 'neg', x)));
  },
  Rsqrt: (backend, inputs) => unary(backend, 'reciprocal', unary(backend, 'sqrt', one(inputs))),
  // tanh(x/2)·(eˣ + 1): the same number, and it keeps its digits near 0, where eˣ − 1 loses them.
  Expm1: (backend, inputs) => {
    const x = one(inputs);
    const half = unary(backend, 'tanh', binary(backend, 'mul', x, 0.5));
    return binary(backend, 'mul', half, binary(backend, 'add', unary(backend, 'exp', x), 1));
  },
  // With u = 1 + x rounded, log(u)·x/(u − 1) undoes the rounding (Goldberg 1991, theorem 4); from 1 on log(u) alone is good,
  // and u − 1 would be infinite where x is.
  Log1p: (backend, inputs) => {
    const x = one(inputs);
    const u = binary(backend, 'add', x, 1);
    const log = unary(backend, 'log', u);
    const undone = binary(backend, 'mul', log, binary(backend, 'div', x, binary(backend, 'sub', u, 1)));
    const near = select(backend, binary(backend, 'equal', u, 1), x, undone, x.shape);
    return select(backend, binary(backend, 'less', x, 1), near, log, x.shape);
  },
  Step: (backend, inputs, attributes) => {
    if ((attributes['alpha'] ?? 0) !== 0) throw untraceable('Only tf.step with alpha 0 can be traced.');
    return unary(backend, 'step', one(inputs));
  },
  ClipByValue: (backend, inputs, attributes) =>
    clip(backend, one(inputs), attributes['clipValueMin'] as number, attributes['clipValueMax'] as number),
  Softmax: (backend, inputs, attributes) => {
    const x = one(inputs, 'logits');
    const dim = attributes['dim'];
    const exp = unary(backend, 'exp', binary(backend, 'sub', x, reduce(backend, 'max', x, dim, true)));
    return binary(backend, 'div', exp, reduce(backend, 'sum', exp, dim, true));
  },
};
