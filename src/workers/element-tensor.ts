// One element of a space as a tensor, for snapshots.

import type { SpaceOf, Value } from '../envs/spaces/space.ts';
import { type Tensor, takeVector, vector } from '../math/tensor.ts';

/** A Box's element in its own dtype, an integer as int32. */
export function tensorOf(element: Value): Tensor {
  return vector(typeof element === 'number' ? Int32Array.of(element) : element.slice());
}

/** Throws a `RangeError` or `TypeError` for the tensor of an element of another space. NaN and what is beyond the bounds may have been observed. */
export function elementOf(space: SpaceOf<Value>, tensor: Tensor): Value {
  const document = space.toDocument();
  if (document.type === 'Discrete') {
    const [element] = takeVector({ observation: tensor }, 'observation', Int32Array, 1) as unknown as [number];
    if (!space.contains(element)) throw new RangeError(`There is no observation ${element}.`);
    return element;
  }
  const size = document.shape.reduce((product, length) => product * length, 1);
  const type = document.dtype === 'float32' ? Float32Array : Float64Array;
  return takeVector<Float32Array | Float64Array>({ observation: tensor }, 'observation', type, size);
}
