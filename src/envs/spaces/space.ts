// What a space is. The kinds are one file each beside this one.
import type { Pcg64 } from '../../math/pcg64.ts';

/** One element of a space: Box elements are arrays in C order, Discrete elements are integers. */
export type Value = Float32Array | Float64Array | number;

/** A number as JSON can carry it: non-finite ones are the strings "NaN", "Infinity" and "-Infinity". */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';
export type JsonTensor = JsonNumber | JsonTensor[];

/** A space as api.md writes it. */
export type SpaceDocument = BoxDocument | DiscreteDocument;
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

export interface SpaceOf<V extends Value> {
  contains(value: unknown): value is V;
  /** A uniform draw as Gymnasium's `sample()` makes it from the same generator. */
  sample(rng: Pcg64): V;
  /** `value` from decoded JSON, cast to the space's dtype. Throws `action_out_of_space`/`observation_out_of_space` style errors naming the place. */
  parse(value: unknown, what: 'action' | 'observation'): V;
  toJson(value: V): JsonTensor;
  toDocument(): SpaceDocument;
}
