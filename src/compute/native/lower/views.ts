// Where numbers lie: buffers of floats, and views of them with strides. A slice, a transpose, a broadcast and most reshapes are
// other views of the same buffer and cost nothing.

/** A block of floats; its place in the arena is found last. */
export interface Buffer {
  readonly id: number;
  /** Floats. */
  readonly size: number;
  readonly home: Home;
}

/** Who owns a buffer: the caller's inputs and outputs, the state, packed copies of it, constants; or the update itself. */
export type Home = 'input' | 'output' | 'state' | 'resident' | 'constant' | 'scratch';

/** Element (i, j, …) is float `offset + i·strides[0] + j·strides[1] + …` of the buffer. */
export interface View {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** C order, no gaps. */
function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

export const dense = (buffer: Buffer, shape: readonly number[]): View => ({
  buffer,
  offset: 0,
  shape,
  strides: denseStrides(shape),
});

export const sliced = (view: View, begin: readonly number[], shape: readonly number[]): View => ({
  ...view,
  shape,
  offset: begin.reduce((offset, start, axis) => offset + start * (view.strides[axis] as number), view.offset),
});

export const permuted = (view: View, perm: readonly number[]): View => ({
  ...view,
  shape: perm.map((axis) => view.shape[axis] as number),
  strides: perm.map((axis) => view.strides[axis] as number),
});

/** Repeated to `shape` by strides of 0, as numpy broadcasts. */
export function expanded(view: View, shape: readonly number[]): View {
  const lead = shape.length - view.shape.length;
  return {
    ...view,
    shape,
    strides: shape.map((size, axis) =>
      axis < lead || (view.shape[axis - lead] === 1 && size !== 1) ? 0 : (view.strides[axis - lead] as number),
    ),
  };
}

/** The same elements in C order under another shape, or undefined where that takes a copy. */
export function reshaped(view: View, shape: readonly number[]): View | undefined {
  const from = collapse([view.shape, view.strides]);
  const strides = new Array<number>(shape.length).fill(0);
  let run = from.shape.length - 1;
  let left = from.shape[run] ?? 1;
  let stride = from.strides[0]?.[run] ?? 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    const size = shape[axis] as number;
    if (size === 1) continue;
    if (left === 1) {
      run -= 1;
      left = from.shape[run] ?? 1;
      stride = from.strides[0]?.[run] ?? 1;
    }
    if (left % size !== 0) return undefined;
    strides[axis] = stride;
    stride *= size;
    left /= size;
  }
  return { ...view, shape, strides };
}

/** Without dimensions of 1. */
export function squeezed(view: View): View {
  const axes = view.shape.map((_, axis) => axis).filter((axis) => view.shape[axis] !== 1);
  return permuted(view, axes);
}

export const squeezeShape = (shape: readonly number[]): number[] => shape.filter((size) => size !== 1);

/** A loop nest over `shape` with the strides of every operand, neighbours merged where every operand runs through both without a gap. */
export function collapse([shape, ...strides]: readonly [readonly number[], ...(readonly (readonly number[])[])]): {
  readonly shape: number[];
  readonly strides: number[][];
} {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const last = sizes.length - 1;
    const joins =
      last >= 0 &&
      strides.every((steps, operand) => (merged[operand]?.[last] as number) === (steps[axis] as number) * size);
    if (joins) sizes[last] = (sizes[last] as number) * size;
    else sizes.push(size);
    for (const [operand, steps] of strides.entries()) {
      const place = sizes.length - 1;
      (merged[operand] as number[])[place] = steps[axis] as number;
    }
  }
  return { shape: sizes, strides: merged };
}

/** Whether two views of one buffer may share a float. Parts of a concatenation, side by side in the same rows, do not. */
export function mayOverlap(a: View, b: View): boolean {
  const [one, other] = [extent(a), extent(b)];
  if (one[1] < other[0] || other[1] < one[0]) return false;
  const lengths = [...a.strides, ...b.strides].filter((stride) => stride > 1);
  return !lengths.some((length) => {
    const [left, right] = [columns(a, length), columns(b, length)];
    return left !== undefined && right !== undefined && (left[1] < right[0] || right[1] < left[0]);
  });
}

/** First and last float of the buffer that the view touches. */
function extent({ offset, shape, strides }: View): readonly [number, number] {
  return [offset, strides.reduce((last, stride, axis) => last + stride * ((shape[axis] as number) - 1), offset)];
}

/** First and last place that the view touches in rows of `length` floats; undefined where it goes on from one row into the next. */
function columns({ offset, shape, strides }: View, length: number): readonly [number, number] | undefined {
  const first = offset % length;
  const last = strides.reduce(
    (reach, stride, axis) => (stride % length === 0 ? reach : reach + stride * ((shape[axis] as number) - 1)),
    first,
  );
  return last < length ? [first, last] : undefined;
}

/** One text for one view: equal texts, equal views. */
export const viewKey = (view: View): string => `${view.buffer.id}+${view.offset}[${view.shape}]:${view.strides.join()}`;
