// What a space is. The kinds are one file each beside this one.
import type { Pcg64 } from '../../math/pcg64.ts';

/** One element of the spaces that environments here have: Box elements are arrays in C order, Discrete elements are integers. */
export type Value = Float32Array | Float64Array | number;
/** One element of any space: MultiDiscrete's are Int32Arrays, MultiBinary's Uint8Arrays, Tuple's lists, Dict's records. */
export type Element = Value | Int32Array | Uint8Array | readonly Element[] | ElementRecord;
export interface ElementRecord {
  readonly [key: string]: Element;
}

/** A number as JSON can carry it: non-finite ones are the strings "NaN", "Infinity" and "-Infinity". */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';
export type JsonTensor = JsonNumber | JsonTensor[];
/** An element of any space as JSON: tensors, in lists for a Tuple and in objects for a Dict. */
export type JsonElement = JsonNumber | JsonElement[] | { [key: string]: JsonElement };

/** A space as the API writes it: the two kinds that environments here have. */
export type SpaceDocument = BoxDocument | DiscreteDocument;
export type AnySpaceDocument =
  | SpaceDocument
  | MultiDiscreteDocument
  | MultiBinaryDocument
  | TupleDocument
  | DictDocument;
export interface BoxDocument {
  readonly type: 'Box';
  readonly dtype: 'float32' | 'float64';
  readonly shape: readonly number[];
  /** One number where all bounds are equal, else nested lists of `shape`. */
  readonly low: JsonTensor;
  readonly high: JsonTensor;
}
export interface DiscreteDocument {
  readonly type: 'Discrete';
  readonly n: number;
  readonly start: number;
}

export interface MultiDiscreteDocument {
  readonly type: 'MultiDiscrete';
  /** Number of values each element has; nested lists, whose shape is the space's. */
  readonly nvec: JsonTensor;
  /** The smallest value of each element, in the same shape. */
  readonly start: JsonTensor;
}
export interface MultiBinaryDocument {
  readonly type: 'MultiBinary';
  readonly shape: readonly number[];
}
export interface TupleDocument {
  readonly type: 'Tuple';
  readonly spaces: readonly AnySpaceDocument[];
}
export interface DictDocument {
  readonly type: 'Dict';
  /** A list, since the order matters to `flatten` and seeding, and JSON objects have none. */
  readonly spaces: readonly { readonly key: string; readonly space: AnySpaceDocument }[];
}

export interface SpaceOf<
  V extends Element,
  J extends JsonElement = JsonTensor,
  D extends AnySpaceDocument = SpaceDocument,
> {
  contains(value: unknown): value is V;
  /** A uniform draw as Gymnasium's `sample()` makes it from the same generator. */
  sample(rng: Pcg64): V;
  /**
   * `value` from decoded JSON, cast to the space's dtype. `place` is where it stands in a composite, such as `[1]`.
   * Throws `action_out_of_space`/`observation_out_of_space` style errors naming the place.
   */
  parse(value: unknown, what: 'action' | 'observation', place?: string): V;
  toJson(value: V): J;
  toDocument(): D;
}

export type AnySpace = SpaceOf<Element, JsonElement, AnySpaceDocument>;
