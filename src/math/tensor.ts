// Named arrays: the one form in which parameters, optimiser moments, RNG streams and environment states are held,
// saved and compared. A record of data, not a tensor library.

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array | BigUint64Array;

/** C-order data with its shape; the dtype is the array's own type. A scalar has shape []. */
export interface Tensor<A extends TypedArray = TypedArray> {
  readonly shape: readonly number[];
  readonly data: A;
}

/** State as a plain record; names are paths such as `actor/0/kernel`. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A float32 tensor of zeros. */
export function zeros(shape: readonly number[]): Tensor<Float32Array> {
  return { shape, data: new Float32Array(sizeOf(shape)) };
}

/** A rank-1 tensor over `data`, not copied. */
export function vector<A extends TypedArray>(data: A): Tensor<A> {
  return { shape: [data.length], data };
}

/** Every name prefixed with `prefix/`. */
export function nest(prefix: string, tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]));
}

/** The tensors under `prefix/`, with the prefix taken off. */
export function under(prefix: string, tensors: Tensors): Tensors {
  const start = `${prefix}/`;
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      name.startsWith(start) ? [[name.slice(start.length), tensor] as const] : [],
    ),
  );
}

/** The tensor called `name` as arrays of type `type`. Throws a `TypeError` that names what is missing or of another type. */
export function take<A extends TypedArray>(tensors: Tensors, name: string, type: new (length: number) => A): Tensor<A> {
  const tensor = tensors[name];
  if (tensor === undefined)
    throw new TypeError(`There is no tensor "${name}" among: ${Object.keys(tensors).join(', ')}.`);
  if (!(tensor.data instanceof type)) {
    throw new TypeError(`Tensor "${name}" is a ${tensor.data.constructor.name}, not a ${type.name}.`);
  }
  return tensor as Tensor<A>;
}

/** The `length` elements called `name`. Throws a `RangeError` or `TypeError` where there are others. */
export function takeVector<A extends TypedArray>(
  state: Tensors,
  name: string,
  type: new (length: number) => A,
  length: number,
): A {
  const { data } = take(state, name, type);
  if (data.length !== length) throw new RangeError(`Tensor "${name}" has ${data.length} elements, not ${length}.`);
  return data;
}
