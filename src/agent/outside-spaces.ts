// Spaces that somebody else names, for an agent whose environment this server does not run.
import { Box } from '../envs/spaces/box.ts';
import type { BoxDocument } from '../envs/spaces/space.ts';
import { DomainError } from '../errors.ts';
import { sizeOf } from '../math/tensor.ts';

/** Beyond the largest observation of a robot here (Humanoid: 376), short of what pictures would need. */
const MAX_ELEMENTS = 65_536;
const MAX_RANK = 4;

/** `value` as a Box, its bounds rounded to its dtype. Throws `unsupported_space` naming `field`. */
export function boxFrom(value: unknown, field: string): BoxDocument {
  const { type, dtype, shape, low, high } = (typeof value === 'object' && value !== null ? value : {}) as BoxDocument;
  const isShape =
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 1) &&
    sizeOf(shape) <= MAX_ELEMENTS;
  if (type !== 'Box' || (dtype !== 'float32' && dtype !== 'float64') || !isShape) {
    throw new DomainError(
      'unsupported_space',
      `${field} must be a Box of float32 or float64 with a shape of at most ${MAX_RANK} lengths from 1 and ${MAX_ELEMENTS} numbers in all; it is ${(JSON.stringify(value) ?? 'missing').slice(0, 80)}.`,
    );
  }
  return Box.fromDocument({ type, dtype, shape, low, high }).toDocument();
}
