// MultiBinary: arrays of zeros and ones, as gymnasium.spaces.MultiBinary.
import { DomainError } from '../../errors.ts';
import { narrowIntegers } from '../../math/draws.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { sizeOf } from '../../math/tensor.ts';
import { IntegerElements } from './integer-elements.ts';
import { formatNested } from './json-tensor.ts';
import type { JsonTensor, MultiBinaryDocument, SpaceOf } from './space.ts';

export class MultiBinary implements SpaceOf<Uint8Array, JsonTensor, MultiBinaryDocument> {
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly #elements: IntegerElements;

  /** Throws `unsupported_space` unless every dimension is an integer of at least 1. */
  constructor({ shape }: { readonly shape: readonly number[] }) {
    if (!shape.every((length) => Number.isSafeInteger(length) && length >= 1)) {
      throw new DomainError('unsupported_space', `MultiBinary needs dimensions of at least 1; got shape [${shape}].`);
    }
    this.shape = shape;
    this.size = sizeOf(shape);
    this.#elements = new IntegerElements({
      low: new Uint8Array(this.size),
      high: new Uint8Array(this.size).fill(1),
      shape,
    });
  }

  static fromDocument({ shape }: MultiBinaryDocument): MultiBinary {
    return new MultiBinary({ shape });
  }

  contains(value: unknown): value is Uint8Array {
    return value instanceof Uint8Array && this.#elements.contain(value);
  }

  /** `integers(0, 2, size, dtype=int8)`: four bits of randomness from every uint32. */
  sample(rng: Pcg64): Uint8Array {
    return Uint8Array.from(narrowIntegers(rng, 8, 0, 2, this.size));
  }

  /** Throws `action_out_of_space` or `observation_out_of_space` for anything but zeros and ones. */
  parse(value: unknown, what: 'action' | 'observation', place = ''): Uint8Array {
    return Uint8Array.from(this.#elements.parse(value, what, place));
  }

  toJson(value: Uint8Array): JsonTensor {
    return formatNested(value, this.shape);
  }

  toDocument(): MultiBinaryDocument {
    return { type: 'MultiBinary', shape: this.shape };
  }
}
