// The one check that environments with a Discrete action space make of an action.
import { DomainError } from '../errors.ts';
import type { Discrete } from './spaces/discrete.ts';
import type { Value } from './spaces/space.ts';

/** `action` as a number of `space`. Throws `action_out_of_space` for anything else. */
export function discreteAction(id: string, space: Discrete, action: Value): number {
  if (space.contains(action)) return action;
  throw new DomainError(
    'action_out_of_space',
    `${id} steps with an integer from ${space.start} to ${space.start + space.n - 1}.`,
  );
}
