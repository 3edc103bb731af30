// Kernels that move numbers and compute none: reshaping, cutting, joining, repeating, gathering.
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../math/tensor.ts';
import type { TraceBackend } from './backend.ts';
import {
  type Attributes,
  axisOf,
  concat,
  cut,
  dtypeOf,
  filled,
  type Kernels,
  numeric,
  one,
  reshape,
  slice,
} from './kernel.ts';
import { untraceable } from './untraceable.ts';

/** What tfjs makes of the nine arguments of `tf.stridedSlice`. */
export const stridedSliceOf = (shape: readonly number[], attributes: Attributes): tf.slice_util.SliceInfo => {
  const list = (name: string): number[] => attributes[name] as number[];
  const mask = (name: string): number => (attributes[`${name}Mask`] ?? 0) as number;
  return tf.slice_util.sliceInfo(
    [...shape],
    list('begin'),
    list('end'),
    list('strides'),
    mask('begin'),
    mask('end'),
    mask('ellipsis'),
    mask('newAxis'),
    mask('shrinkAxis'),
  );
};

/** Numbers that the program wrote itself: they choose places, so they must be known when the graph is made. */
function known(backend: TraceBackend, indices: tf.TensorInfo, kernel: string): number[] {
  const values = backend.written(indices);
  if (values === undefined) {
    throw untraceable(
      `The indices of ${kernel} must be known when the program is traced. Make the one-hot rows outside and take them as an input.`,
    );
  }
  return Array.from(values as Int32Array);
}

export const SHAPES: Kernels = {
  Identity: (backend, inputs) => backend.alias(one(inputs)),
  Cast: (backend, inputs, attributes) => {
    const x = one(inputs);
    const dtype = attributes['dtype'] as tf.DataType;
    if (dtype === x.dtype) return backend.alias(x);
    if (dtype !== 'float32' && dtype !== 'bool') {
      throw untraceable(`A traced program computes in float32 and bool; it casts to ${dtype}.`);
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
    return backend.emit(stretches ? { kind: 'broadcast' } : { kind: 'tile', reps: [...reps] }, [x], shape, dtypeOf(x));
  },
  Transpose: (backend, inputs, attributes) => {
    const x = one(inputs);
    const perm = attributes['perm'] as number[];
    return backend.emit(
      { kind: 'transpose', perm: [...perm] },
      [x],
      perm.map((axis) => x.shape[axis] as number),
      dtypeOf(x),
    );
  },
  Concat: (backend, inputs, attributes) => {
    const parts = Object.values(inputs);
    return concat(backend, parts, axisOf(parts[0] as tf.TensorInfo, attributes['axis']));
  },
  Pack: (backend, inputs, attributes) => {
    const parts = Object.values(inputs);
    const axis = attributes['axis'] as number;
    const shape = [...(parts[0] as tf.TensorInfo).shape];
    shape.splice(axis, 0, 1);
    return concat(
      backend,
      parts.map((part) => reshape(backend, part, shape)),
      axis,
    );
  },
  Unpack: (backend, inputs, attributes) => {
    const x = one(inputs, 'value');
    const axis = axisOf(x, attributes['axis']);
    const shape = x.shape.filter((_, at) => at !== axis);
    return Array.from({ length: x.shape[axis] as number }, (_, index) =>
      reshape(backend, cut(backend, x, axis, index, 1), shape),
    );
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
  StridedSlice: (backend, inputs, attributes) => {
    const x = one(inputs);
    const { begin, end, isSimpleSlice, finalShape } = stridedSliceOf(x.shape, attributes);
    if (!isSimpleSlice) throw untraceable(`Only strides of 1 can be traced; it has ${attributes['strides']}.`);
    const size = begin.map((first, axis) => (end[axis] as number) - first);
    return reshape(backend, slice(backend, x, begin, size), finalShape);
  },
  SplitV: (backend, inputs, attributes) => {
    const x = one(inputs);
    const axis = axisOf(x, attributes['axis']);
    const sizes = tf.backend_util.prepareSplitSize(
      x as tf.Tensor,
      attributes['numOrSizeSplits'] as number[] | number,
      axis,
    );
    let start = 0;
    return sizes.map((width) => {
      start += width;
      return cut(backend, x, axis, start - width, width);
    });
  },
  PadV2: (backend, inputs, attributes) => {
    const x = numeric(backend, one(inputs));
    const paddings = attributes['paddings'] as [number, number][];
    const shape = x.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));
    return backend.emit({ kind: 'pad', paddings, value: attributes['constantValue'] as number }, [x], shape);
  },
  OneHot: (backend, inputs, attributes) => {
    const indices = one(inputs, 'indices');
    const { depth, onValue, offValue } = attributes as { depth: number; onValue: number; offValue: number };
    const places = known(backend, indices, 'oneHot');
    const values = new Float32Array(places.length * depth).fill(offValue);
    for (const [row, place] of places.entries()) {
      if (place >= 0 && place < depth) values[row * depth + place] = onValue;
    }
    const shape = [...indices.shape, depth];
    return { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' };
  },
  GatherV2: (backend, inputs, attributes) => {
    const [x, indices] = [one(inputs), one(inputs, 'indices')];
    const axis = axisOf(x, attributes['axis']);
    if ((attributes['batchDims'] ?? 0) !== 0) throw untraceable('Only tf.gather with batchDims 0 can be traced.');
    const size = x.shape[axis] as number;
    const parts = known(backend, indices, 'gather').map((place) => {
      if (place < 0 || place >= size) throw untraceable(`tf.gather asks for place ${place} of ${size}.`);
      return cut(backend, x, axis, place, 1);
    });
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return reshape(backend, concat(backend, parts, axis), shape);
  },
};
