// The reset options `low` and `high` of classic control: the bounds of the uniform start.
import { DomainError } from '../../errors.ts';
import type { ResetOptions } from '../env.ts';
import { numericOptions } from '../reset-options.ts';

export interface ResetBounds {
  readonly low: number;
  readonly high: number;
}

/** The bounds in `options`, else `defaults`. Throws `invalid_request` unless both are finite and low is at most high. */
export function resetBounds(id: string, options: ResetOptions['options'], defaults: ResetBounds): ResetBounds {
  const { low, high } = numericOptions(id, options, { low: defaults.low, high: defaults.high });
  if (low <= high && Number.isFinite(high - low)) return { low, high };
  throw new DomainError(
    'invalid_request',
    `Reset options low and high bound the start of ${id}: low is at most high; got ${low} and ${high}.`,
  );
}
