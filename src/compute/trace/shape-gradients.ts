// Gradients of the kernels that move numbers: each moves them back, and adds up what was repeated.
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../math/tensor.ts';
import { at, type Gradients } from './gradient.ts';
import { stridedSliceOf } from './shapes.ts';

/** `part` at `begin` of zeros of `shape`. */
const placed = (part: tf.Tensor, begin: readonly number[], shape: readonly number[]): tf.Tensor =>
  tf.pad(
    part,
    shape.map((size, axis) => [begin[axis] as number, size - (begin[axis] as number) - (part.shape[axis] as number)]),
  );

export const SHAPE_GRADIENTS: Gradients = {
  Identity: { rule: (dy) => ({ x: () => dy }) },
  // What becomes a truth value does not change with a small step.
  Cast: { rule: (dy, _saved, { dtype }) => ({ x: () => (dtype === 'bool' ? tf.zerosLike(dy) : dy) }) },
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
    rule: (dy, saved, { begin, size }) => ({
      x: () => {
        const x = at(saved, 0);
        return placed(dy, tf.slice_util.parseSliceParams(x, begin as number[], size as number[])[0] ?? [], x.shape);
      },
    }),
  },
  StridedSlice: {
    inputs: ['x'],
    rule: (dy, saved, attributes) => ({
      x: () => {
        const { shape } = at(saved, 0);
        const { begin, end } = stridedSliceOf(shape, attributes);
        const size = begin.map((first, axis) => (end[axis] as number) - first);
        return placed(tf.reshape(dy, size), begin, shape);
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
  GatherV2: {
    inputs: ['x', 'indices'],
    rule: (dy, saved, { axis }) => ({
      // With the gathered axis in the middle: each place gets the sum of what was taken from it, a product with rows of 0 and 1.
      x: () => {
        const [x, indices] = [at(saved, 0), at(saved, 1)];
        const place = tf.util.parseAxisParam(axis as number, x.shape)[0] as number;
        const size = x.shape[place] as number;
        const outer = sizeOf(x.shape.slice(0, place));
        const rows = tf.transpose(tf.reshape(dy, [outer, indices.size, -1]), [1, 0, 2]);
        const chosen = new Float32Array(size * indices.size);
        for (const [column, row] of indices.dataSync().entries()) chosen[row * indices.size + column] = 1;
        const sums = tf.matMul(tf.tensor(chosen, [size, indices.size]), tf.reshape(rows, [indices.size, -1]));
        return tf.reshape(tf.transpose(tf.reshape(sums, [size, outer, -1]), [1, 0, 2]), x.shape);
      },
      indices: () => tf.zeros(at(saved, 1).shape),
    }),
  },
};

const parts = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] => [dy].flat();

/**
 * Kernels that take or give lists: their inputs are named 0, 1, …, so the rules are made when it is known how many there are.
 * tfjs hands over a lone tensor where a list has one.
 */
export const LIST_GRADIENTS: readonly tf.GradConfig[] = [
  {
    kernelName: 'Concat',
    saveAllInputs: true,
    gradFunc: (dy, saved, attributes) => {
      const shapes = saved.map((tensor) => tensor.shape);
      const axis = tf.util.parseAxisParam(attributes['axis'] as number, shapes[0] as number[])[0] as number;
      const pieces = tf.split(
        dy as tf.Tensor,
        shapes.map((shape) => shape[axis] as number),
        axis,
      );
      return Object.fromEntries(pieces.map((piece, index) => [String(index), () => piece]));
    },
  },
  {
    kernelName: 'AddN',
    saveAllInputs: true,
    gradFunc: (dy, saved) =>
      Object.fromEntries(saved.map((_, index) => [String(index), () => tf.clone(dy as tf.Tensor)])),
  },
  {
    kernelName: 'Pack',
    gradFunc: (dy, _saved, attributes) =>
      Object.fromEntries(
        tf.unstack(dy as tf.Tensor, attributes['axis'] as number).map((piece, index) => [String(index), () => piece]),
      ),
  },
  {
    kernelName: 'Unpack',
    gradFunc: (dy, _saved, attributes) => ({ value: () => tf.stack(parts(dy), attributes['axis'] as number) }),
  },
  {
    kernelName: 'SplitV',
    gradFunc: (dy, _saved, attributes) => ({ x: () => tf.concat(parts(dy), attributes['axis'] as number) }),
  },
];
