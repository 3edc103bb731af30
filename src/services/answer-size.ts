// How large one answer may be: it is held whole, and a few times over while it is written and until it is read.
import type { SpaceDocument } from '../envs/spaces/space.ts';
import { DomainError } from '../errors.ts';
import { sizeOf } from '../math/tensor.ts';

/** About 80 MB of JSON; a thousand steps of Humanoid are a twelfth of it. */
const MAX_ANSWER_NUMBERS = 1 << 22;

export const numbersOf = (space: SpaceDocument): number => (space.type === 'Box' ? sizeOf(space.shape) : 1);

/** Throws `invalid_request` where `count` observations of `space`, of as many `things`, are too many. */
export function assertObservationsFit(count: number, things: string, space: SpaceDocument): void {
  const numbers = numbersOf(space);
  if (count * numbers <= MAX_ANSWER_NUMBERS) return;
  throw new DomainError(
    'invalid_request',
    `Observations of ${count} ${things} are ${count} × ${numbers} numbers, and an answer holds ${MAX_ANSWER_NUMBERS}; ask for at most ${Math.floor(MAX_ANSWER_NUMBERS / numbers)} ${things}, or observe less.`,
  );
}
