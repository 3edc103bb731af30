// Batches: one element of a space for each of n sub-environments, in one array, as gymnasium.vector.utils.batch_space has it.
import { DomainError } from '../../errors.ts';
import type { Pcg64 } from '../../math/pcg64.ts';
import { Box } from '../spaces/box.ts';
import { fromDocument } from '../spaces/from-document.ts';
import { formatNested, isFlat, show } from '../spaces/json-tensor.ts';
import { MultiDiscrete } from '../spaces/multi-discrete.ts';
import type { JsonTensor, SpaceDocument, SpaceOf, Value } from '../spaces/space.ts';
import { rowsOf, type TensorData } from '../spaces/tensor-data.ts';

/** Elements one after the other, in C order: of a Box in its dtype, of a Discrete space as int32. */
export type Batch = Float32Array | Float64Array | Int32Array;

/** What batches of one space have in common. */
export class Batches {
  readonly #space: SpaceOf<Value>;
  /** Of one element. */
  readonly #shape: readonly number[];
  readonly #type: new (
    length: number,
  ) => Batch;
  /** Numbers in one element. */
  readonly size: number;

  /** Throws `unsupported_space` for a space of anything but Box and Discrete elements, or one whose integers are not int32. */
  constructor(document: SpaceDocument) {
    this.#space = fromDocument(document);
    if (document.type === 'Box') {
      this.#shape = document.shape;
      this.#type = document.dtype === 'float32' ? Float32Array : Float64Array;
    } else if (document.type === 'Discrete') {
      this.#shape = [];
      this.#type = Int32Array;
    } else {
      throw new DomainError('unsupported_space', `There are no vector environments of ${show(document)} spaces.`);
    }
    this.size = this.#shape.reduce((product, length) => product * length, 1);
    // Refuses integers beyond int32.
    batchedSpace(document, 1);
  }

  /** A batch of zeros. */
  empty(count: number): Batch {
    return new this.#type(count * this.size);
  }

  /** Writes `element` as number `index` of `batch`. */
  write(batch: Batch, index: number, element: Value): void {
    if (typeof element === 'number') batch[index] = element;
    else batch.set(element, index * this.size);
  }

  /** Element `index` of `batch`, as a copy. */
  read(batch: Batch, index: number): Value {
    if (this.#type === Int32Array) return batch[index] as number;
    return (batch as Float32Array).slice(index * this.size, (index + 1) * this.size);
  }

  /** `count` actions from decoded JSON, or from one tensor. Throws `action_out_of_space` naming the index of the first that is none. */
  parse(value: unknown, count: number): Batch {
    // Rows that are too many are not made to be counted.
    const list: unknown = isFlat(value) && value.shape[0] === count ? rowsOf(value as TensorData) : value;
    if (!Array.isArray(list) || list.length !== count) {
      const is = Array.isArray(list) ? `has ${list.length} elements` : `is ${show(value)}`;
      throw new DomainError(
        'action_out_of_space',
        `actions ${is}. Send a list of ${count}, one for each sub-environment.`,
      );
    }
    const batch = this.empty(count);
    for (let i = 0; i < count; i++) this.write(batch, i, this.#space.parse(list[i], 'action', `s[${i}]`));
    return batch;
  }

  elementToJson(element: Value): JsonTensor {
    return this.#space.toJson(element);
  }

  /** A batch as a list of elements. */
  toJson(batch: Batch): JsonTensor[] {
    return formatNested(batch, [batch.length / this.size, ...this.#shape]) as JsonTensor[];
  }
}

/** The space of `count` elements: a Box of one more dimension, or a MultiDiscrete; a seed draws from it as from Gymnasium's. */
function batchedSpace(document: SpaceDocument, count: number): Box | MultiDiscrete {
  if (document.type === 'Discrete') {
    return new MultiDiscrete({
      nvec: new Array<number>(count).fill(document.n),
      start: new Array<number>(count).fill(document.start),
    });
  }
  const { low, high, dtype, shape } = Box.fromDocument(document);
  const tile = (bounds: ArrayLike<number>) => Array.from({ length: count }, () => Array.from(bounds)).flat();
  return new Box({ low: tile(low), high: tile(high), shape: [count, ...shape], dtype });
}

/** A draw from the batched space. */
export function sampleBatch(document: SpaceDocument, count: number, rng: Pcg64): JsonTensor {
  const space = batchedSpace(document, count);
  return space instanceof Box ? space.toJson(space.sample(rng)) : space.toJson(space.sample(rng));
}
