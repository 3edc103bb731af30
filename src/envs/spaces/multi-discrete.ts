// MultiDiscrete: arrays of integers, each from its own range, as gymnasium.spaces.MultiDiscrete.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { sizeOf } from '../../math/tensor.ts';
import { IntegerElements } from './integer-elements.ts';
import { formatNested, JsonTensorError, parseNested, shapeOf } from './json-tensor.ts';
import type { JsonTensor, MultiDiscreteDocument, SpaceOf } from './space.ts';

export interface MultiDiscreteOptions {
  /** How many values each element has, in C order. */
  readonly nvec: readonly number[];
  /** The smallest value of each element; 0 where absent. */
  readonly start?: readonly number[];
  /** One dimension of all elements where absent. */
  readonly shape?: readonly number[];
}

export class MultiDiscrete implements SpaceOf<Int32Array, JsonTensor, MultiDiscreteDocument> {
  readonly nvec: readonly number[];
  readonly start: readonly number[];
  readonly shape: readonly number[];
  readonly #elements: IntegerElements;

  /**
   * Throws `unsupported_space` unless every count is at least 1, all values are int32 (Gymnasium's default is int64), and
   * counts, starts and shape fit each other.
   */
  constructor({ nvec, start = nvec.map(() => 0), shape = [nvec.length] }: MultiDiscreteOptions) {
    this.nvec = nvec;
    this.start = start;
    this.shape = shape;
    const isInt32 = (x: number) => (x | 0) === x;
    const fits = nvec.every((n, i) => {
      const low = start[i] as number;
      return Number.isInteger(n) && n >= 1 && isInt32(low) && isInt32(low + n - 1);
    });
    if (!fits || start.length !== nvec.length || sizeOf(shape) !== nvec.length) {
      throw new DomainError(
        'unsupported_space',
        `MultiDiscrete needs one count of at least 1 and one start for each element, all values within int32; got nvec [${nvec}], start [${start}], shape [${shape}].`,
      );
    }
    this.#elements = new IntegerElements({
      low: start,
      high: nvec.map((n, i) => (start[i] as number) + n - 1),
      shape,
    });
  }

  /** Throws `unsupported_space` where the lists do not fit each other. */
  static fromDocument({ nvec, start }: MultiDiscreteDocument): MultiDiscrete {
    const shape = shapeOf(nvec);
    try {
      return new MultiDiscrete({ nvec: parseNested(nvec, shape), start: parseNested(start, shape), shape });
    } catch (error) {
      if (!(error instanceof JsonTensorError)) throw error;
      throw new DomainError('unsupported_space', `nvec or start of the MultiDiscrete${error.place} ${error.message}.`, {
        cause: error,
      });
    }
  }

  contains(value: unknown): value is Int32Array {
    return value instanceof Int32Array && this.#elements.contain(value);
  }

  /** start + ⌊u · n⌋ for each element, u in [0, 1): Gymnasium does not draw integers here. */
  sample(rng: Pcg64): Int32Array {
    return Int32Array.from(this.nvec, (n, i) => (this.start[i] as number) + Math.floor(rng.random() * n));
  }

  /** Throws `action_out_of_space` or `observation_out_of_space` for anything but integers of this space. */
  parse(value: unknown, what: 'action' | 'observation', place = ''): Int32Array {
    return Int32Array.from(this.#elements.parse(value, what, place));
  }

  toJson(value: Int32Array): JsonTensor {
    return formatNested(value, this.shape);
  }

  toDocument(): MultiDiscreteDocument {
    return {
      type: 'MultiDiscrete',
      nvec: formatNested(this.nvec, this.shape),
      start: formatNested(this.start, this.shape),
    };
  }
}
