// Reading back environment snapshots that may come from a user: a wrong one is the caller's error, not a crash.
import { DomainError } from '../errors.ts';

/** What `restore` returns; turns what it says about unfit tensors into `checkpoint_incompatible`. */
export function restoring<T>(id: string, restore: () => T): T {
  try {
    return restore();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new DomainError(
      'checkpoint_incompatible',
      `This is not a snapshot of ${id} with these keyword arguments: ${error.message}`,
      { cause: error },
    );
  }
}
