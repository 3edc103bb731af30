// Discrete: the integers start … start + n − 1, as gymnasium.spaces.Discrete.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { isFlat, show } from './json-tensor.ts';
import type { DiscreteDocument, JsonTensor, SpaceOf } from './space.ts';

export class Discrete implements SpaceOf<number> {
  /** Number of elements, at least 1. */
  readonly n: number;
  /** The smallest element. */
  readonly start: number;

  /** Throws `unsupported_space` unless n ≥ 1 and both are safe integers. */
  constructor({ n, start = 0 }: { readonly n: number; readonly start?: number }) {
    if (!(Number.isSafeInteger(n) && n >= 1 && Number.isSafeInteger(start) && Number.isSafeInteger(start + n))) {
      throw new DomainError(
        'unsupported_space',
        `Discrete needs integers n ≥ 1 and start; got n = ${n}, start = ${start}.`,
      );
    }
    this.n = n;
    this.start = start;
  }

  static fromDocument({ n, start }: DiscreteDocument): Discrete {
    return new Discrete({ n, start });
  }

  contains(value: unknown): value is number {
    return Number.isInteger(value) && (value as number) >= this.start && (value as number) < this.start + this.n;
  }

  /** A uniform draw: `start + integers(n)` of the same generator. */
  sample(rng: Pcg64): number {
    return this.start + rng.integers(0, this.n);
  }

  /** Throws `action_out_of_space` or `observation_out_of_space` for anything but an integer of this space. */
  parse(value: unknown, what: 'action' | 'observation', place = ''): number {
    const element = isFlat(value) && value.shape.length === 0 ? Number(value.data[0]) : value;
    // −0 is JSON's "-0": the integer zero.
    if (this.contains(element)) return element + 0;
    throw new DomainError(
      `${what}_out_of_space`,
      `${what}${place} is ${show(element)}. Send one integer from ${this.start} to ${this.start + this.n - 1}.`,
    );
  }

  toJson(value: number): JsonTensor {
    return value;
  }

  toDocument(): DiscreteDocument {
    return { type: 'Discrete', n: this.n, start: this.start };
  }
}
