// The element of a space that is nearest to zero: create_zero_array of gymnasium/wrappers/utils.py.
import { Box } from '../spaces/box.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { SpaceOf, Value } from '../spaces/space.ts';

export function zeroOf(space: SpaceOf<Value>): Value {
  if (space instanceof Box) return space.low.map((low, i) => Math.min(Math.max(0, low), space.high[i] as number));
  if (space instanceof Discrete) return space.start;
  throw new TypeError(`Spaces of type ${space.toDocument().type} have no zero.`);
}
