// A tensor as clients send and get it where they speak binary: its numbers in C order, in one array. In JSON it is nested lists.
import { formatNested } from './json-tensor.ts';
import type { SpaceDocument, Value } from './space.ts';

/** The arrays behind each dtype, by numpy's names; a bool is a byte, 0 or 1. */
export const ARRAY_OF_DTYPE = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type Dtype = keyof typeof ARRAY_OF_DTYPE;
type DataOf<D extends Dtype> = InstanceType<(typeof ARRAY_OF_DTYPE)[D]>;

export class TensorData {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: DataOf<Dtype>;

  /** Takes over `data`, as many numbers as `shape` says. */
  constructor(dtype: Dtype, shape: readonly number[], data: DataOf<Dtype>) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /** What `JSON.stringify` writes: nested lists, and for what JSON cannot write its name. */
  toJSON(): unknown {
    const { dtype, data, shape } = this;
    if (dtype === 'bool') return nested(Array.from(data as Uint8Array, Boolean), shape);
    return formatNested(data instanceof BigInt64Array ? Array.from(data, Number) : data, shape);
  }
}

/** Of one row each, along the first dimension. Throws a `RangeError` for a tensor that has none. */
export function rowsOf({ dtype, shape, data }: TensorData): TensorData[] {
  const [count, ...rest] = shape;
  if (count === undefined) throw new RangeError('is a single number and not a list');
  const size = rest.reduce((product, length) => product * length, 1);
  return Array.from(
    { length: count },
    (_, i) => new TensorData(dtype, rest, data.subarray(i * size, (i + 1) * size) as DataOf<Dtype>),
  );
}

/** An element of `space`. */
export function elementTensor(space: SpaceDocument, element: Value): TensorData {
  return space.type === 'Box'
    ? new TensorData(space.dtype, space.shape, element as DataOf<'float64'>)
    : new TensorData('int64', [], BigInt64Array.of(BigInt(element as number)));
}

/** `count` elements of `space`, one after the other. */
export function batchTensor(
  space: SpaceDocument,
  count: number,
  batch: Float32Array | Float64Array | Int32Array,
): TensorData {
  return space.type === 'Box'
    ? new TensorData(space.dtype, [count, ...space.shape], batch as DataOf<'float64'>)
    : new TensorData('int64', [count], BigInt64Array.from(batch as Int32Array, BigInt));
}

function nested(elements: readonly boolean[], shape: readonly number[]): unknown {
  let next = 0;
  const build = (depth: number): unknown =>
    depth === shape.length ? elements[next++] : Array.from({ length: shape[depth] as number }, () => build(depth + 1));
  return build(0);
}
