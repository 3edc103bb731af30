// Long lists of float32 numbers that a vector function can be wrong at, and the distance between two in units in the last place.
import type { Pcg64 } from '../../../src/math/pcg64.ts';

/** The smallest normal float32: smaller ones count as 0 while a program runs. */
export const SMALLEST_NORMAL = 2 ** -126;
export const LARGEST = Math.fround(3.4028234663852886e38);

export const SPECIAL: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  LARGEST,
  -LARGEST,
  SMALLEST_NORMAL,
  -SMALLEST_NORMAL,
  // Denormal.
  2 ** -149,
  -(2 ** -149),
  SMALLEST_NORMAL - 2 ** -149,
  2 ** -130,
  1 - 2 ** -24,
  1 + 2 ** -23,
  2 ** 24,
  -(2 ** 31),
  2 ** 31,
  2 ** 63,
];

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** Numbers of `low` … `high` at equal distances. */
export function grid(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.fround(low + ((high - low) * index) / (count - 1)));
}

/** Any finite float32 as likely as any other: as many in each power of two. */
export function anyFloats(rng: Pcg64, count: number): number[] {
  return Array.from({ length: count }, () => {
    bits[0] = Number(rng.nextUint64() & 0xffffffffn) | 0;
    return Number.isFinite(float[0]) ? (float[0] as number) : 0;
  });
}

/** `of` and its neighbours up to `reach` units in the last place to each side. */
export function around(of: readonly number[], reach: number): number[] {
  return of.flatMap((value) =>
    Array.from({ length: 2 * reach + 1 }, (_, index) => {
      float[0] = value;
      bits[0] = (bits[0] as number) + index - reach;
      return float[0] as number;
    }),
  );
}

/** How far apart float32 numbers are at `value`. */
export function ulp(value: number): number {
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(value), SMALLEST_NORMAL)));
  return 2 ** (exponent - 23);
}

export const isDenormal = (value: number): boolean => value !== 0 && Math.abs(value) < SMALLEST_NORMAL;

/** As a program reads it: a denormal number is a zero of its sign. */
export const flushed = (value: number): number => (isDenormal(value) ? (value < 0 ? -0 : 0) : value);
