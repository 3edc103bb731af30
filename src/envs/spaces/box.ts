// Box: arrays of one shape and float dtype between bounds, as gymnasium.spaces.Box. Integer boxes (images) are not here yet.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { sizeOf } from '../../math/tensor.ts';
import { formatNested, formatNumber, JsonTensorError, parseNested, parseNumber, placeOf, show } from './json-tensor.ts';
import type { BoxDocument, JsonTensor, SpaceOf } from './space.ts';

type FloatArray = Float32Array | Float64Array;

const ARRAY_OF = { float32: Float32Array, float64: Float64Array } as const;

export interface BoxOptions {
  /** One bound for every element, or one per element in C order. Infinite bounds mean there is none. */
  readonly low: number | ArrayLike<number>;
  readonly high: number | ArrayLike<number>;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float64';
}

export class Box implements SpaceOf<FloatArray> {
  readonly dtype: 'float32' | 'float64';
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Bounds per element, rounded to the dtype as Gymnasium rounds them. */
  readonly low: FloatArray;
  readonly high: FloatArray;
  /** Whether an element lacks a bound somewhere; decides how `sample` draws. */
  readonly #unbounded: boolean;

  /** Throws `unsupported_space` where bounds and shape do not fit, a bound is NaN, or a low is above its high. */
  constructor({ low, high, shape, dtype }: BoxOptions) {
    this.dtype = dtype;
    this.shape = shape;
    this.size = sizeOf(shape);
    this.low = this.#bounds(low);
    this.high = this.#bounds(high);
    for (let i = 0; i < this.size; i++) {
      if ((this.low[i] as number) <= (this.high[i] as number)) continue;
      throw new DomainError(
        'unsupported_space',
        `Element ${i} of the Box has low ${this.low[i]} and high ${this.high[i]}; low must be at most high.`,
      );
    }
    this.#unbounded = !(this.low.every(Number.isFinite) && this.high.every(Number.isFinite));
  }

  static fromDocument({ low, high, shape, dtype }: BoxDocument): Box {
    const bounds = (name: string, bound: JsonTensor) => {
      try {
        return Array.isArray(bound) ? parseNested(bound, shape) : parseNumber(bound, '');
      } catch (error) {
        if (!(error instanceof JsonTensorError)) throw error;
        throw new DomainError('unsupported_space', `${name}${error.place} of the Box ${error.message}.`, {
          cause: error,
        });
      }
    };
    return new Box({ low: bounds('low', low), high: bounds('high', high), shape, dtype });
  }

  /** Whether `value` is an array of this dtype and size with every element between its bounds; NaN never is. */
  contains(value: unknown): value is FloatArray {
    if (!(value instanceof ARRAY_OF[this.dtype]) || value.length !== this.size) return false;
    return value.every((x, i) => x >= (this.low[i] as number) && x <= (this.high[i] as number));
  }

  /**
   * A draw as `Box.sample()` of Gymnasium makes it: normal where there is no bound, shifted exponential where there is
   * one, uniform between two; the groups are drawn in that order, each in C order, in float64, then rounded.
   */
  sample(rng: Pcg64): FloatArray {
    const drawn = new ARRAY_OF[this.dtype](this.size);
    if (this.#unbounded) this.#sampleUnbounded(drawn, rng);
    for (let i = 0; i < this.size; i++) {
      const low = this.low[i] as number;
      const high = this.high[i] as number;
      if (low > -Infinity && high < Infinity) drawn[i] = rng.uniform(low, high);
    }
    return drawn;
  }

  /**
   * `value`, nested lists of this shape, rounded to the dtype. Finite elements beyond the bounds pass, as they do in
   * Gymnasium, whose environments clip or clamp them; in an action, elements that are not finite do not.
   * Throws `action_out_of_space` or `observation_out_of_space` naming the value, its place and what was expected.
   */
  parse(value: unknown, what: 'action' | 'observation', place = ''): FloatArray {
    let elements: number[];
    try {
      elements = parseNested(value, this.shape);
    } catch (error) {
      if (!(error instanceof JsonTensorError)) throw error;
      throw this.#refusal(what, `${what}${place}${error.place} ${error.message}`, error);
    }
    const cast = ARRAY_OF[this.dtype].from(elements);
    for (let i = 0; i < cast.length; i++) {
      if (Number.isFinite(cast[i])) continue;
      const given = elements[i] as number;
      // 1e39 is finite but not in float32: to let it become Infinity would be a coercion.
      if (Number.isFinite(given))
        throw this.#refusal(what, `${what}${place}${placeOf(i, this.shape)} is ${given}, too large for ${this.dtype}`);
      if (what === 'action')
        throw this.#refusal(what, `${what}${place}${placeOf(i, this.shape)} is ${show(given)}, which is not finite`);
    }
    return cast;
  }

  toJson(value: FloatArray): JsonTensor {
    return formatNested(value, this.shape);
  }

  toDocument(): BoxDocument {
    const compact = (bounds: FloatArray): JsonTensor => {
      const first = bounds[0];
      if (first !== undefined && bounds.every((bound) => bound === first)) return formatNumber(first);
      return formatNested(bounds, this.shape);
    };
    return { type: 'Box', dtype: this.dtype, shape: this.shape, low: compact(this.low), high: compact(this.high) };
  }

  #bounds(bound: number | ArrayLike<number>): FloatArray {
    const type = ARRAY_OF[this.dtype];
    if (typeof bound === 'number') return new type(this.size).fill(bound);
    if (bound.length !== this.size) {
      throw new DomainError(
        'unsupported_space',
        `A Box of shape [${this.shape}] has ${this.size} bounds a side; got ${bound.length}.`,
      );
    }
    return type.from(bound);
  }

  #sampleUnbounded(drawn: FloatArray, rng: Pcg64): void {
    const each = (wanted: (low: number, high: number) => boolean, draw: (low: number, high: number) => number) => {
      for (let i = 0; i < this.size; i++) {
        const low = this.low[i] as number;
        const high = this.high[i] as number;
        if (wanted(low, high)) drawn[i] = draw(low, high);
      }
    };
    // 0 + … is numpy's `normal` (loc + scale · z), which turns −0 into 0.
    each(
      (low, high) => low === -Infinity && high === Infinity,
      () => 0 + rng.standardNormal(),
    );
    each(
      (low, high) => low > -Infinity && high === Infinity,
      (low) => rng.standardExponential() + low,
    );
    each(
      (low, high) => low === -Infinity && high < Infinity,
      (_, high) => -rng.standardExponential() + high,
    );
  }

  #refusal(what: 'action' | 'observation', problem: string, cause?: Error): DomainError {
    const { low, high } = this.toDocument();
    const range = Array.isArray(low) || Array.isArray(high) ? 'the bounds of the space' : `[${low}, ${high}]`;
    const form =
      this.shape.length === 0
        ? 'one number'
        : `${this.shape.length === 1 ? 'a list' : 'nested lists'} of numbers with shape [${this.shape.join(', ')}]`;
    const limits =
      what === 'action' ? `finite and meant for ${range}` : 'as JSON numbers or "NaN", "Infinity", "-Infinity"';
    return new DomainError(`${what}_out_of_space`, `${problem}. Send ${form}, ${limits}.`, cause && { cause });
  }
}
