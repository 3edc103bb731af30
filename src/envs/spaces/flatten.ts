// Elements as flat arrays and back, as gymnasium.spaces.utils: integers become one-hot, composites are concatenated.
// The numbers are Gymnasium's; the dtype is always float64, which holds every dtype of a space exactly.
import { sizeOf } from '../../math/tensor.ts';
import { Box } from './box.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import type { AnySpace, Element, ElementRecord } from './space.ts';
import { Tuple } from './tuple.ts';

/** Number of elements of a flattened element: `flatdim`. */
export function flatSize(space: AnySpace): number {
  if (space instanceof Box || space instanceof MultiBinary) return sizeOf(space.shape);
  if (space instanceof Discrete) return space.n;
  if (space instanceof MultiDiscrete) return space.nvec.reduce((sum, n) => sum + n, 0);
  return partsOf(space).reduce((sum, part) => sum + flatSize(part), 0);
}

/** `value`, an element of `space`, as `flatSize(space)` numbers. */
export function flatten(space: AnySpace, value: Element): Float64Array {
  const flat = new Float64Array(flatSize(space));
  write(space, value, flat);
  return flat;
}

/**
 * The element of `space` that `flatten` made `flat` of; of one-hot numbers the first that is not zero counts.
 * Throws a `RangeError` where the size differs or a one-hot part is all zeros.
 */
export function unflatten(space: AnySpace, flat: Float64Array): Element {
  const size = flatSize(space);
  if (flat.length !== size) throw new RangeError(`A flattened element has ${size} numbers; got ${flat.length}.`);
  if (space instanceof Box) return space.dtype === 'float32' ? Float32Array.from(flat) : flat.slice();
  if (space instanceof MultiBinary) return Uint8Array.from(flat);
  if (space instanceof Discrete) return space.start + hotIndex(flat);
  if (space instanceof MultiDiscrete) {
    const parts = split(flat, space.nvec);
    return Int32Array.from(parts, (part, i) => (space.start[i] as number) + hotIndex(part));
  }
  const parts = partsOf(space);
  const elements = split(flat, parts.map(flatSize)).map((part, i) => unflatten(parts[i] as AnySpace, part));
  if (space instanceof Tuple) return elements;
  return Object.fromEntries((space as Dict).spaces.map(([key], i) => [key, elements[i] as Element]));
}

function write(space: AnySpace, value: Element, target: Float64Array): void {
  if (space instanceof Box || space instanceof MultiBinary) target.set(value as Float64Array);
  else if (space instanceof Discrete) target[(value as number) - space.start] = 1;
  else if (space instanceof MultiDiscrete) {
    const parts = split(target, space.nvec);
    for (const [i, part] of parts.entries())
      part[((value as Int32Array)[i] as number) - (space.start[i] as number)] = 1;
  } else {
    const spaces = partsOf(space);
    const elements =
      space instanceof Tuple
        ? (value as readonly Element[])
        : (space as Dict).spaces.map(([key]) => (value as ElementRecord)[key]);
    for (const [i, part] of split(target, spaces.map(flatSize)).entries()) {
      write(spaces[i] as AnySpace, elements[i] as Element, part);
    }
  }
}

function partsOf(space: AnySpace): readonly AnySpace[] {
  if (space instanceof Tuple) return space.spaces;
  if (space instanceof Dict) return space.spaces.map(([, part]) => part);
  throw new TypeError(`Spaces of type ${space.toDocument().type} cannot be flattened.`);
}

/** Views of `flat`, one after the other, of the given sizes. */
function split(flat: Float64Array, sizes: readonly number[]): Float64Array[] {
  let end = 0;
  return sizes.map((size) => {
    end += size;
    return flat.subarray(end - size, end);
  });
}

function hotIndex(part: Float64Array): number {
  const index = part.findIndex((x) => x !== 0);
  if (index < 0) throw new RangeError('A one-hot part of a flattened element is all zeros.');
  return index;
}
