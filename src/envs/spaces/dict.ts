// Dict: records with one element of each named part, as gymnasium.spaces.Dict. The parts have an order, which seeding and
// flattening follow; Gymnasium sorts them by key unless it is told otherwise.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { show } from './json-tensor.ts';
import type { AnySpace, DictDocument, Element, ElementRecord, JsonElement, SpaceOf } from './space.ts';

export class Dict implements SpaceOf<ElementRecord, { [key: string]: JsonElement }, DictDocument> {
  readonly spaces: readonly (readonly [key: string, space: AnySpace])[];

  /** Throws `unsupported_space` where two parts have the same key. */
  constructor(spaces: readonly (readonly [key: string, space: AnySpace])[]) {
    const keys = spaces.map(([key]) => key);
    const twice = keys.find((key, i) => keys.indexOf(key) !== i);
    if (twice !== undefined) {
      throw new DomainError('unsupported_space', `The Dict has two parts with the key ${show(twice)}; one is allowed.`);
    }
    this.spaces = spaces;
  }

  contains(value: unknown): value is ElementRecord {
    return this.#hasKeys(value) && this.spaces.every(([key, space]) => space.contains(value[key]));
  }

  /** The parts one after the other from one stream. Gymnasium gives each part its own: see `seededSampler`. */
  sample(rng: Pcg64): ElementRecord {
    return this.#record((_, space) => space.sample(rng));
  }

  /** Throws `action_out_of_space` or `observation_out_of_space` for anything but an object with exactly these keys. */
  parse(value: unknown, what: 'action' | 'observation', place = ''): ElementRecord {
    if (this.#hasKeys(value)) {
      return this.#record((key, space) => space.parse(value[key], what, `${place}[${show(key)}]`));
    }
    throw new DomainError(
      `${what}_out_of_space`,
      `${what}${place} is ${show(value)}. Send an object with the keys ${this.spaces.map(([key]) => show(key)).join(', ') || 'none'}.`,
    );
  }

  toJson(value: ElementRecord): { [key: string]: JsonElement } {
    return this.#record((key, space) => space.toJson(value[key] as Element));
  }

  toDocument(): DictDocument {
    return { type: 'Dict', spaces: this.spaces.map(([key, space]) => ({ key, space: space.toDocument() })) };
  }

  #hasKeys(value: unknown): value is Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
    return Object.keys(value).length === this.spaces.length && this.spaces.every(([key]) => Object.hasOwn(value, key));
  }

  /** `fromEntries` defines its keys, so that even one called `__proto__` is data. */
  #record<T>(part: (key: string, space: AnySpace) => T): { [key: string]: T } {
    return Object.fromEntries(this.spaces.map(([key, space]) => [key, part(key, space)]));
  }
}
