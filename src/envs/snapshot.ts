// Reading back environment snapshots that may come from a user: a wrong one is the caller's error, not a crash.
import { DomainError } from '../errors.ts';
import { type Tensors, type TypedArray, take } from '../math/tensor.ts';

/** The `length` elements called `name`. Throws a `RangeError` or `TypeError` where there are others. */
export function takeVector<A extends TypedArray>(
  state: Tensors,
  name: string,
  type: new (length: number) => A,
  length: number,
): A {
  const { data } = take(state, name, type);
  if (data.length !== length) throw new RangeError(`Tensor "${name}" has ${data.length} elements, not ${length}.`);
  return data;
}

/** Runs `restore`, and turns what it says about unfit tensors into `checkpoint_incompatible`. */
export function restoring(id: string, restore: () => void): void {
  try {
    restore();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new DomainError(
      'checkpoint_incompatible',
      `This is not a snapshot of ${id} with these keyword arguments: ${error.message}`,
      { cause: error },
    );
  }
}
