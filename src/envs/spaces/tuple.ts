// Tuple: lists with one element of each part, as gymnasium.spaces.Tuple.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { show } from './json-tensor.ts';
import type { AnySpace, Element, JsonElement, SpaceOf, TupleDocument } from './space.ts';

export class Tuple implements SpaceOf<readonly Element[], JsonElement[], TupleDocument> {
  readonly spaces: readonly AnySpace[];

  constructor(spaces: readonly AnySpace[]) {
    this.spaces = spaces;
  }

  contains(value: unknown): value is readonly Element[] {
    return (
      Array.isArray(value) &&
      value.length === this.spaces.length &&
      this.spaces.every((space, i) => space.contains(value[i]))
    );
  }

  /** The parts one after the other from one stream. Gymnasium gives each part its own: see `seededSampler`. */
  sample(rng: Pcg64): readonly Element[] {
    return this.spaces.map((space) => space.sample(rng));
  }

  /** Throws `action_out_of_space` or `observation_out_of_space` for anything but a list of the parts. */
  parse(value: unknown, what: 'action' | 'observation', place = ''): readonly Element[] {
    if (Array.isArray(value) && value.length === this.spaces.length) {
      return this.spaces.map((space, i) => space.parse(value[i], what, `${place}[${i}]`));
    }
    throw new DomainError(
      `${what}_out_of_space`,
      `${what}${place} is ${show(value)}. Send a list of ${this.spaces.length}, one for each part of the Tuple.`,
    );
  }

  toJson(value: readonly Element[]): JsonElement[] {
    return this.spaces.map((space, i) => space.toJson(value[i] as Element));
  }

  toDocument(): TupleDocument {
    return { type: 'Tuple', spaces: this.spaces.map((space) => space.toDocument()) };
  }
}
