// What the rules of kernels.ts are written with: the type of a rule, and the few graph ops that many of them share.
import * as tf from '@tensorflow/tfjs-core';
import type { BinaryKind, DType, UnaryKind } from '../graph.ts';
import type { TraceBackend } from './backend.ts';

export type Inputs = Readonly<Record<string, tf.TensorInfo>>;
export type Attributes = Readonly<Record<string, unknown>>;
export type Kernel = (backend: TraceBackend, inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[];
export type Kernels = Readonly<Record<string, Kernel>>;

export const one = (inputs: Inputs, name = 'x'): tf.TensorInfo => inputs[name] as tf.TensorInfo;
export const two = (inputs: Inputs): [tf.TensorInfo, tf.TensorInfo] => [one(inputs, 'a'), one(inputs, 'b')];

export const broadcast = (a: tf.TensorInfo, b: tf.TensorInfo): number[] =>
  tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);

/** Whole numbers of a program are literals, held as float32: a node is bool or it is float32. */
export const dtypeOf = (x: tf.TensorInfo): DType => (x.dtype === 'bool' ? 'bool' : 'float32');

/** A number that the program does not compute. */
const scalar = (backend: TraceBackend, value: number): tf.TensorInfo => ({
  dataId: backend.write(new Float32Array([value]), [], 'float32'),
  shape: [],
  dtype: 'float32',
});

export function filled(backend: TraceBackend, shape: number[], value: number): tf.TensorInfo {
  const number = scalar(backend, value);
  return shape.length === 0 ? number : backend.emit({ kind: 'broadcast' }, [number], shape);
}

export const unary = (backend: TraceBackend, kind: UnaryKind, x: tf.TensorInfo): tf.TensorInfo =>
  backend.emit({ kind }, [numeric(backend, x)], x.shape);

const COMPARISONS: ReadonlySet<BinaryKind> = new Set(['greater', 'greaterEqual', 'less', 'lessEqual', 'equal']);

/** a ∘ b with broadcasting; a number stands for a constant. Truth values take part as 0 and 1. */
export function binary(
  backend: TraceBackend,
  kind: Exclude<BinaryKind, 'and'>,
  a: tf.TensorInfo | number,
  b: tf.TensorInfo | number,
): tf.TensorInfo {
  const [left, right] = [a, b].map((side) =>
    typeof side === 'number' ? scalar(backend, side) : numeric(backend, side),
  ) as [tf.TensorInfo, tf.TensorInfo];
  return backend.emit({ kind }, [left, right], broadcast(left, right), COMPARISONS.has(kind) ? 'bool' : 'float32');
}

/** `x` as numbers: what is not bool stays. */
export const numeric = (backend: TraceBackend, x: tf.TensorInfo): tf.TensorInfo =>
  x.dtype === 'bool' ? backend.emit({ kind: 'cast' }, [x], x.shape, 'float32') : x;

/** `t` where `condition`, else `e`; all three broadcast to `shape`. */
export const select = (
  backend: TraceBackend,
  condition: tf.TensorInfo,
  t: tf.TensorInfo,
  e: tf.TensorInfo,
  shape: readonly number[],
): tf.TensorInfo => backend.emit({ kind: 'select' }, [condition, t, e], shape, dtypeOf(t));

export const reshape = (backend: TraceBackend, x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo =>
  backend.emit({ kind: 'reshape' }, [x], shape, dtypeOf(x));

export const slice = (
  backend: TraceBackend,
  x: tf.TensorInfo,
  begin: readonly number[],
  size: readonly number[],
): tf.TensorInfo => backend.emit({ kind: 'slice', begin: [...begin] }, [x], size, dtypeOf(x));

/** Where `x` is cut along one axis: from `start`, `width` wide. */
export function cut(
  backend: TraceBackend,
  x: tf.TensorInfo,
  axis: number,
  start: number,
  width: number,
): tf.TensorInfo {
  return slice(
    backend,
    x,
    x.shape.map((_, at) => (at === axis ? start : 0)),
    x.shape.map((size, at) => (at === axis ? width : size)),
  );
}

export function concat(backend: TraceBackend, parts: readonly tf.TensorInfo[], axis: number): tf.TensorInfo {
  const first = parts[0] as tf.TensorInfo;
  const shape = [...first.shape];
  shape[axis] = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  return parts.length === 1
    ? backend.alias(first)
    : backend.emit({ kind: 'concat', axis }, parts, shape, dtypeOf(first));
}

/** A sum, mean or maximum over `axis` (null: over all), as tfjs says it. */
export function reduce(
  backend: TraceBackend,
  kind: 'sum' | 'mean' | 'max',
  x: tf.TensorInfo,
  axis: unknown,
  keepDims: boolean,
): tf.TensorInfo {
  const axes = tf.util.parseAxisParam((axis ?? null) as number | number[], x.shape);
  const shape = x.shape.map((size, at) => (axes.includes(at) ? 1 : size));
  return backend.emit(
    { kind, axes, keepDims },
    [numeric(backend, x)],
    keepDims ? shape : shape.filter((_, at) => !axes.includes(at)),
  );
}

/** Axis `axis` of `x` counted from 0, where tfjs lets it count from the end. */
export const axisOf = (x: tf.TensorInfo, axis: unknown): number =>
  tf.util.parseAxisParam(axis as number, x.shape)[0] as number;
