// numpy's Generator methods that are made of `random` and raw uint32 alone: choosing, shuffling, integers of 8 and 16 bits.
// They follow numpy/random/_generator.pyx and numpy/random/src/distributions (2.x); test/math/draws.test.ts holds them to it.
import type { Pcg64 } from './pcg64.ts';

/** One of `items`, each as likely: `choice(items)`. Throws a `RangeError` where there is none. */
export function choice<T>(rng: Pcg64, items: readonly T[]): T {
  if (items.length === 0) throw new RangeError('choice needs at least one item.');
  return items[rng.integers(0, items.length)] as T;
}

/**
 * `size` indices drawn with the given probabilities: `choice(len(p), size, p=p)`. numpy divides the running sums by the
 * last one before it compares, which can move a boundary by its last bit.
 * Throws a `RangeError` unless every probability is at least 0 and they sum to 1 within 1e-8, numpy's own tolerance.
 */
export function weightedChoices(rng: Pcg64, probabilities: readonly number[], size: number): number[] {
  const sums = runningSums(probabilities);
  const total = sums.at(-1) ?? 0;
  if (!(probabilities.every((p) => p >= 0) && Math.abs(total - 1) <= 2 ** -26)) {
    throw new RangeError(`Probabilities are at least 0 and sum to 1; got [${probabilities.join(', ')}].`);
  }
  const bounds = sums.map((sum) => sum / total);
  return Array.from({ length: size }, () => {
    const u = rng.random();
    return bounds.findIndex((bound) => u < bound);
  });
}

/**
 * Shuffles in place: `shuffle(items)`, Fisher–Yates from the end. Its places are drawn by `random_interval`: bits of a
 * uint32 masked until they fit, unlike those of `integers`.
 */
export function shuffle<T>(rng: Pcg64, items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const mask = 0xffffffff >>> Math.clz32(i);
    let j: number;
    do j = (rng.nextUint32() & mask) >>> 0;
    while (j > i);
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
}

/** 0 … n − 1 in a random order: `permutation(n)`. */
export function permutation(rng: Pcg64, n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  shuffle(rng, order);
  return order;
}

/**
 * `size` integers in [low, high) as `integers(low, high, size, dtype)` draws them for (u)int8 and (u)int16: Lemire's
 * rejection on the bytes or halves of one uint32 after the other, the lowest first. What is left of the last uint32 is
 * thrown away, so `size` draws at once are not `size` draws one by one. 32-bit types draw as `Pcg64.integers` does.
 * Throws a `RangeError` unless low < high are integers at most 2^bits apart.
 */
export function narrowIntegers(rng: Pcg64, bits: 8 | 16, low: number, high: number, size: number): number[] {
  const values = 2 ** bits;
  const count = high - low;
  if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && count >= 1 && count <= values)) {
    throw new RangeError(`${bits}-bit integers need 1 to ${values} values from low to high; got ${low} and ${high}.`);
  }
  if (count === 1) return new Array<number>(size).fill(low);
  let buffer = 0;
  let left = 0;
  const next = (): number => {
    if (left === 0) {
      buffer = rng.nextUint32();
      left = 32 / bits;
    } else buffer >>>= bits;
    left -= 1;
    return buffer % values;
  };
  const threshold = values % count;
  return Array.from({ length: size }, () => {
    let product = next() * count;
    while (product % values < threshold) product = next() * count;
    return low + Math.floor(product / values);
  });
}

/** `cumsum` of numpy: added one after the other. */
export function runningSums(terms: readonly number[]): number[] {
  let sum = 0;
  return terms.map((term) => {
    sum += term;
    return sum;
  });
}
