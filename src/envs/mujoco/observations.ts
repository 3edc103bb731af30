// Building blocks of MuJoCo tasks' observations.
import type { Range } from '../kwargs.ts';
import { Box } from '../spaces/box.ts';

/** Any `size` real numbers. */
export function observationSpace(size: number): Box {
  return new Box({ low: -Infinity, high: Infinity, shape: [size], dtype: 'float64' });
}

/** One fresh array of all `parts` in order. */
export function concatenate(...parts: readonly ArrayLike<number>[]): Float64Array {
  const whole = new Float64Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** `value` moved into the range; NaN stays NaN. */
export function clamp(value: number, [low, high]: Range): number {
  return Math.min(Math.max(value, low), high);
}

/** Each of `values` moved into the range. */
export function clamped(values: Float64Array, range: Range): Float64Array {
  return values.map((value) => clamp(value, range));
}
