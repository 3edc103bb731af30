// How reset's seed reaches an environment's generator, as gymnasium.Env.reset does it.
import { DomainError } from '../errors.ts';
import { Pcg64 } from '../math/pcg64.ts';

/** A fresh generator where a seed is given, else `current` as it stands. Throws `invalid_request` for an unfit seed. */
export function reseeded(current: Pcg64, seed: number | undefined): Pcg64 {
  if (seed === undefined) return current;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new DomainError('invalid_request', `The seed is ${seed}; it must be an integer from 0 to 2^53 − 1.`);
  }
  return Pcg64.fromSeed(seed);
}
