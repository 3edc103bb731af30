// What each tfjs kernel becomes in the graph. Shapes only; gradients are in gradients.ts.
import * as tf from '@tensorflow/tfjs-core';
import { DomainError } from '../../errors.ts';
import { sizeOf } from '../../math/tensor.ts';
import type { BinaryKind, UnaryKind } from '../graph.ts';
import { BACKEND, type TraceBackend } from './backend.ts';

type Inputs = Readonly<Record<string, tf.TensorInfo>>;
type Attributes = Readonly<Record<string, unknown>>;
type Kernel = (backend: TraceBackend, inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[];

const UNARY: Readonly<Record<string, UnaryKind>> = {
  Neg: 'neg',
  Abs: 'abs',
  Exp: 'exp',
  Log: 'log',
  Sqrt: 'sqrt',
  Square: 'square',
  Reciprocal: 'reciprocal',
  Tanh: 'tanh',
  Sigmoid: 'sigmoid',
  Softplus: 'softplus',
  Relu: 'relu',
};

const BINARY: Readonly<Record<string, BinaryKind>> = {
  Add: 'add',
  Sub: 'sub',
  Multiply: 'mul',
  RealDiv: 'div',
  Minimum: 'minimum',
  Maximum: 'maximum',
  Pow: 'pow',
};

const COMPARISON: Readonly<Record<string, BinaryKind>> = {
  Greater: 'greater',
  GreaterEqual: 'greaterEqual',
  Less: 'less',
  LessEqual: 'lessEqual',
  Equal: 'equal',
  LogicalAnd: 'and',
};

const one = (inputs: Inputs, name = 'x'): tf.TensorInfo => inputs[name] as tf.TensorInfo;
const broadcast = (a: tf.TensorInfo, b: tf.TensorInfo): number[] =>
  tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);

function filled(backend: TraceBackend, shape: number[], value: number): tf.TensorInfo {
  const scalar = {
    dataId: backend.write(new Float32Array([value]), [], 'float32'),
    shape: [],
    dtype: 'float32' as const,
  };
  return shape.length === 0 ? scalar : backend.emit({ kind: 'broadcast' }, [scalar], shape);
}

const reshape = (backend: TraceBackend, x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo =>
  backend.emit({ kind: 'reshape' }, [x], shape, x.dtype === 'bool' ? 'bool' : 'float32');

function slice(
  backend: TraceBackend,
  x: tf.TensorInfo,
  begin: readonly number[],
  size: readonly number[],
): tf.TensorInfo {
  return backend.emit({ kind: 'slice', begin: [...begin] }, [x], size, x.dtype === 'bool' ? 'bool' : 'float32');
}

const reduction =
  (kind: 'sum' | 'mean' | 'max', axisName: string): Kernel =>
  (backend, inputs, attributes) => {
    const x = one(inputs);
    const axes = tf.util.parseAxisParam((attributes[axisName] ?? null) as number | number[], x.shape);
    const keepDims = attributes['keepDims'] === true;
    const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    return backend.emit(
      { kind, axes, keepDims },
      [x],
      keepDims ? shape : shape.filter((_, axis) => !axes.includes(axis)),
    );
  };

/** tfjs hands products over with leading dimensions of 1: they are taken off, so that a graph knows only rank 2. */
function matrix(backend: TraceBackend, x: tf.TensorInfo): tf.TensorInfo {
  if (x.shape.length === 2) return x;
  if (x.shape.length < 2 || sizeOf(x.shape.slice(0, -2)) !== 1) {
    throw new DomainError('untraceable', `A traced matrix product takes matrices; it got shape [${x.shape}].`);
  }
  return reshape(backend, x, x.shape.slice(-2));
}

const matmul: Kernel = (backend, inputs, attributes) => {
  const [a, b] = [one(inputs, 'a'), one(inputs, 'b')];
  const [transposeA, transposeB] = [attributes['transposeA'] === true, attributes['transposeB'] === true];
  const [left, right] = [matrix(backend, a), matrix(backend, b)];
  const rows = left.shape[transposeA ? 1 : 0] as number;
  const columns = right.shape[transposeB ? 0 : 1] as number;
  const product = backend.emit({ kind: 'matmul', transposeA, transposeB }, [left, right], [rows, columns]);
  const leading = Math.max(a.shape.length, b.shape.length) - 2;
  return leading === 0 ? product : reshape(backend, product, [...Array<number>(leading).fill(1), rows, columns]);
};

const fusedMatmul: Kernel = (backend, inputs, attributes) => {
  const product = matmul(backend, inputs, attributes) as tf.TensorInfo;
  const bias = inputs['bias'];
  const sum = bias === undefined ? product : backend.emit({ kind: 'add' }, [product, bias], product.shape);
  const activation = attributes['activation'] as string;
  switch (activation) {
    case 'linear':
      return sum;
    case 'relu':
    case 'sigmoid':
      return backend.emit({ kind: activation }, [sum], sum.shape);
    default:
      throw new DomainError(
        'untraceable',
        `The fused activation "${activation}" cannot be traced; call it as an op of its own.`,
      );
  }
};

const KERNELS: Readonly<Record<string, Kernel>> = {
  BatchMatMul: matmul,
  _FusedMatMul: fusedMatmul,
  Sum: reduction('sum', 'axis'),
  Mean: reduction('mean', 'axis'),
  Max: reduction('max', 'reductionIndices'),
  Identity: (backend, inputs) => backend.alias(one(inputs)),
  SquaredDifference: (backend, inputs) => {
    const [a, b] = [one(inputs, 'a'), one(inputs, 'b')];
    const difference = backend.emit({ kind: 'sub' }, [a, b], broadcast(a, b));
    return backend.emit({ kind: 'square' }, [difference], difference.shape);
  },
  AddN: (backend, inputs) =>
    Object.values(inputs).reduce((sum, x) => backend.emit({ kind: 'add' }, [sum, x], sum.shape)),
  Step: (backend, inputs, attributes) => {
    if ((attributes['alpha'] ?? 0) !== 0)
      throw new DomainError('untraceable', 'Only tf.step with alpha 0 can be traced.');
    return backend.emit({ kind: 'step' }, [one(inputs)], one(inputs).shape);
  },
  Select: (backend, inputs) => {
    const [condition, t, e] = [one(inputs, 'condition'), one(inputs, 't'), one(inputs, 'e')];
    // tfjs lets a rank-1 condition choose rows; numpy broadcasting, which the graph follows, would choose columns.
    const rows = condition.shape.length === 1 && t.shape.length > 1;
    const aligned = rows
      ? reshape(backend, condition, [...condition.shape, ...t.shape.slice(1).map(() => 1)])
      : condition;
    return backend.emit({ kind: 'select' }, [aligned, t, e], t.shape);
  },
  ClipByValue: (backend, inputs, attributes) =>
    backend.emit(
      { kind: 'clip', min: attributes['clipValueMin'] as number, max: attributes['clipValueMax'] as number },
      [one(inputs)],
      one(inputs).shape,
    ),
  Cast: (backend, inputs, attributes) => {
    const x = one(inputs);
    const dtype = attributes['dtype'] as tf.DataType;
    if (dtype === x.dtype) return backend.alias(x);
    if (dtype !== 'float32' && dtype !== 'bool') {
      throw new DomainError('untraceable', `A traced program computes in float32 and bool; it casts to ${dtype}.`);
    }
    return backend.emit({ kind: 'cast' }, [x], x.shape, dtype);
  },
  Reshape: (backend, inputs, attributes) => {
    const x = one(inputs);
    return reshape(backend, x, tf.util.inferFromImplicitShape(attributes['shape'] as number[], sizeOf(x.shape)));
  },
  ExpandDims: (backend, inputs, attributes) => {
    const x = one(inputs, 'input');
    const dim = attributes['dim'] as number;
    const shape = [...x.shape];
    shape.splice(dim < 0 ? shape.length + dim + 1 : dim, 0, 1);
    return reshape(backend, x, shape);
  },
  Fill: (backend, _inputs, attributes) =>
    filled(backend, attributes['shape'] as number[], attributes['value'] as number),
  ZerosLike: (backend, inputs) => filled(backend, one(inputs).shape, 0),
  OnesLike: (backend, inputs) => filled(backend, one(inputs).shape, 1),
  Tile: (backend, inputs, attributes) => {
    const x = one(inputs);
    const reps = attributes['reps'] as number[];
    const shape = x.shape.map((size, axis) => size * (reps[axis] as number));
    const stretches = x.shape.every((size, axis) => size === 1 || reps[axis] === 1);
    return backend.emit(stretches ? { kind: 'broadcast' } : { kind: 'tile', reps: [...reps] }, [x], shape);
  },
  Transpose: (backend, inputs, attributes) => {
    const x = one(inputs);
    const perm = attributes['perm'] as number[];
    return backend.emit(
      { kind: 'transpose', perm: [...perm] },
      [x],
      perm.map((axis) => x.shape[axis] as number),
    );
  },
  Concat: (backend, inputs, attributes) => {
    const parts = Object.values(inputs);
    const first = parts[0] as tf.TensorInfo;
    const axis = tf.util.parseAxisParam(attributes['axis'] as number, first.shape)[0] as number;
    const shape = [...first.shape];
    shape[axis] = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
    return backend.emit({ kind: 'concat', axis }, parts, shape);
  },
  Pack: (backend, inputs, attributes) => {
    const parts = Object.values(inputs);
    const axis = attributes['axis'] as number;
    const shape = [...(parts[0] as tf.TensorInfo).shape];
    shape.splice(axis, 0, 1);
    const rows = parts.map((part) => reshape(backend, part, shape));
    const packed = shape.map((size, at) => (at === axis ? parts.length : size));
    return backend.emit({ kind: 'concat', axis }, rows, packed);
  },
  Slice: (backend, inputs, attributes) => {
    const x = one(inputs);
    const [begin, size] = tf.slice_util.parseSliceParams(
      x as tf.Tensor,
      attributes['begin'] as number[],
      attributes['size'] as number[],
    );
    return slice(backend, x, begin as number[], size as number[]);
  },
  SplitV: (backend, inputs, attributes) => {
    const x = one(inputs);
    const axis = tf.util.parseAxisParam(attributes['axis'] as number, x.shape)[0] as number;
    const sizes = tf.backend_util.prepareSplitSize(
      x as tf.Tensor,
      attributes['numOrSizeSplits'] as number[] | number,
      axis,
    );
    let start = 0;
    return sizes.map((width) => {
      const begin = x.shape.map((_, at) => (at === axis ? start : 0));
      start += width;
      return slice(
        backend,
        x,
        begin,
        x.shape.map((size, at) => (at === axis ? width : size)),
      );
    });
  },
  PadV2: (backend, inputs, attributes) => {
    const x = one(inputs);
    const paddings = attributes['paddings'] as [number, number][];
    const shape = x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
    return backend.emit({ kind: 'pad', paddings, value: attributes['constantValue'] as number }, [x], shape);
  },
};

let registered = false;

/** Registers the kernels with tfjs, once a process. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  const kernels: Record<string, Kernel> = { ...KERNELS };
  for (const [name, kind] of Object.entries(UNARY)) {
    kernels[name] = (backend, inputs) => backend.emit({ kind }, [one(inputs)], one(inputs).shape);
  }
  for (const [name, kind] of Object.entries(BINARY)) {
    kernels[name] = (backend, inputs) => {
      const [a, b] = [one(inputs, 'a'), one(inputs, 'b')];
      return backend.emit({ kind }, [a, b], broadcast(a, b));
    };
  }
  for (const [name, kind] of Object.entries(COMPARISON)) {
    kernels[name] = (backend, inputs) => {
      const [a, b] = [one(inputs, 'a'), one(inputs, 'b')];
      return backend.emit({ kind }, [a, b], broadcast(a, b), 'bool');
    };
  }
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs, backend }) =>
        kernel(backend as TraceBackend, inputs as Inputs, (attrs ?? {}) as Attributes),
    });
  }
}

/** The tfjs kernels that can be traced. */
export const traceableKernels = (): readonly string[] =>
  [...Object.keys(UNARY), ...Object.keys(BINARY), ...Object.keys(COMPARISON), ...Object.keys(KERNELS)].sort();
