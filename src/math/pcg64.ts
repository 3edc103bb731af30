// numpy's `Generator(PCG64(seed))`, bit for bit: the stream, the seeding, and the distributions Gymnasium draws from.
// It is not a statistics library: only what environments, spaces and learners draw is here.
//
// The generator is O'Neill's PCG XSL-RR 128/64 (https://www.pcg-random.org, numpy/random/src/pcg64): a 128-bit LCG whose
// new state is folded to 64 bits and rotated. Its 128-bit arithmetic runs on 32-bit limbs without BigInt, since training
// draws thousands of normals per update: 51 ns each one by one (Node 20). In bulk, WebAssembly draws them (normals.ts).
import { fillNormals } from './normals.ts';
import { SeedSequence } from './seed-sequence.ts';
import { type Tensors, take, vector } from './tensor.ts';
import {
  EXPONENTIAL_ACCEPT,
  EXPONENTIAL_DENSITY,
  EXPONENTIAL_TAIL,
  EXPONENTIAL_WIDTH,
} from './ziggurat-exponential.ts';
import { NORMAL_ACCEPT, NORMAL_DENSITY, NORMAL_TAIL, NORMAL_TAIL_INVERSE, NORMAL_WIDTH } from './ziggurat-normal.ts';

// Limbs of the LCG's multiplier 0x2360ed051fc65da44385df649fccf645, least significant first.
const M0 = 0x9fccf645;
const M1 = 0x4385df64;
const M2 = 0x1fc65da4;
const M3 = 0x2360ed05;

const TWO_32 = 2 ** 32;
const TWO_M32 = 2 ** -32;
const TWO_M53 = 2 ** -53;

/**
 * The high 32 bits of the product of two uint32 whose low 32 bits, as uint32, are `low`.
 * `a * b` as a double is off by at most 2^10; what is left without `low` is a multiple of 2^32, so rounding restores it.
 */
function highOf(a: number, b: number, low: number): number {
  return Math.floor((a * b - low) * TWO_M32 + 0.5);
}

export class Pcg64 {
  /** State (4 limbs), then increment (4 limbs), each least significant first. */
  readonly #limbs = new Uint32Array(8);
  /** The last output; int32 halves, which V8 keeps unboxed. */
  #high = 0;
  #low = 0;
  /** numpy hands out a uint64 as two uint32, the low half first; the high one waits here. */
  #hasUint32 = false;
  #uint32 = 0;
  #seed: SeedSequence;

  constructor(seed: SeedSequence) {
    this.#seed = seed;
    const [s2, s3, s0, s1, i2, i3, i0, i1] = seed.generate(8) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const limbs = this.#limbs;
    // The increment is the stream's number shifted left with its lowest bit set: an LCG needs an odd one.
    limbs[4] = (i0 << 1) | 1;
    limbs[5] = (i1 << 1) | (i0 >>> 31);
    limbs[6] = (i2 << 1) | (i1 >>> 31);
    limbs[7] = (i3 << 1) | (i2 >>> 31);
    this.#advance();
    let carry = 0;
    for (const [i, word] of [s0, s1, s2, s3].entries()) {
      const sum = (limbs[i] as number) + word + carry;
      limbs[i] = sum;
      carry = sum >= TWO_32 ? 1 : 0;
    }
    this.#advance();
  }

  /** `numpy.random.default_rng(seed)`. Throws a `RangeError` unless `seed` is a non-negative integer. */
  static fromSeed(seed: number | bigint): Pcg64 {
    return new Pcg64(SeedSequence.fromSeed(seed));
  }

  /** A generator nobody can repeat, seeded with 128 bits of the system's entropy as `default_rng()` is. */
  static fromEntropy(): Pcg64 {
    return new Pcg64(new SeedSequence([...crypto.getRandomValues(new Uint32Array(4))]));
  }

  /** A generator that goes on where the one `getState` was taken of stood. */
  static fromState(state: Tensors): Pcg64 {
    const generator = new Pcg64(new SeedSequence([0]));
    generator.setState(state);
    return generator;
  }

  /** A new independent generator: `Generator.spawn(1)[0]` of numpy. It draws nothing from this one's stream. */
  split(): Pcg64 {
    return new Pcg64(this.#seed.spawn());
  }

  /** The next raw uint64. Not for hot paths: a BigInt is allocated. */
  nextUint64(): bigint {
    this.#advance();
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  /** The next raw uint32: both halves of a uint64 are used, the low one first. */
  nextUint32(): number {
    if (this.#hasUint32) {
      this.#hasUint32 = false;
      return this.#uint32;
    }
    this.#advance();
    this.#hasUint32 = true;
    this.#uint32 = this.#high >>> 0;
    return this.#low >>> 0;
  }

  /** Uniform in [0, 1), 53 random bits. */
  random(): number {
    this.#advance();
    return ((this.#high >>> 0) * 0x200000 + (this.#low >>> 11)) * TWO_M53;
  }

  /** Uniform in [low, high); rounding can reach `high`, as it can in numpy. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  /** N(0, 1): the ziggurat of Marsaglia & Tsang (2000) with numpy's 256 layers and its use of the bits. */
  standardNormal(): number {
    for (;;) {
      this.#advance();
      const high = this.#high;
      const low = this.#low;
      // From the lowest bit up: 8 bits choose the layer, 1 the sign, 52 the place; the top 3 are not used.
      const layer = low & 0xff;
      const placeLow = ((high << 23) | (low >>> 9)) >>> 0;
      const place = ((high >>> 9) & 0xfffff) * TWO_32 + placeLow;
      const width = place * (NORMAL_WIDTH[layer] as number);
      const x = low & 0x100 ? -width : width;
      if (place < (NORMAL_ACCEPT[layer] as number)) return x;
      if (layer === 0) return this.#normalTail((placeLow & 0x100) !== 0);
      const below = NORMAL_DENSITY[layer] as number;
      const above = NORMAL_DENSITY[layer - 1] as number;
      if ((above - below) * this.random() + below < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /**
   * Exp(1), by numpy's ziggurat.
   * Its tail, and the normal's, take the logarithm of the platform: numpy's own last bit there depends on its libm.
   */
  standardExponential(): number {
    for (;;) {
      this.#advance();
      const high = this.#high;
      const low = this.#low;
      // The lowest 3 bits are not used; 8 choose the layer, 53 the place.
      const layer = (low >>> 3) & 0xff;
      const place = (high >>> 0) * 0x200000 + (low >>> 11);
      const x = place * (EXPONENTIAL_WIDTH[layer] as number);
      if (place < (EXPONENTIAL_ACCEPT[layer] as number)) return x;
      if (layer === 0) return EXPONENTIAL_TAIL - Math.log1p(-this.random());
      const below = EXPONENTIAL_DENSITY[layer] as number;
      const above = EXPONENTIAL_DENSITY[layer - 1] as number;
      if ((above - below) * this.random() + below < Math.exp(-x)) return x;
    }
  }

  /**
   * A uniform integer in [low, high), as `Generator.integers` with its default int64: Lemire's rejection (2019), on
   * buffered 32-bit draws where the range has at most 2^32 values. Throws a `RangeError` unless both are safe integers
   * and low < high.
   */
  integers(low: number, high: number): number {
    const last = high - 1 - low;
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && Number.isSafeInteger(last) && last >= 0)) {
      throw new RangeError(`integers(low, high) needs safe integers with low < high; got ${low} and ${high}.`);
    }
    if (last === 0) return low;
    if (last > 0xffffffff) return low + this.#bounded64(last);
    if (last === 0xffffffff) return low + this.nextUint32();

    const count = last + 1;
    let draw = this.nextUint32();
    let leftover = Math.imul(draw, count) >>> 0;
    if (leftover < count) {
      const threshold = (0xffffffff - last) % count;
      while (leftover < threshold) {
        draw = this.nextUint32();
        leftover = Math.imul(draw, count) >>> 0;
      }
    }
    return low + highOf(draw, count, leftover);
  }

  /** Fills with N(0, 1), each drawn in float64 and rounded: `standard_normal(n).astype(float32)`. */
  fillNormal(target: Float32Array | Float64Array): void {
    for (let i = 0; i < target.length; i++) {
      i = fillNormals(this.#limbs, target, i);
      if (i < target.length) target[i] = this.standardNormal();
    }
  }

  /** Fills with uniforms in [low, high), each drawn in float64 and rounded. */
  fillUniform(target: Float32Array | Float64Array, low: number, high: number): void {
    const range = high - low;
    for (let i = 0; i < target.length; i++) target[i] = low + range * this.random();
  }

  /** Uniforms between two arrays of bounds, element by element in C order, as `uniform(low, high)` on numpy arrays. */
  uniformBetween(low: ArrayLike<number>, high: ArrayLike<number>): Float64Array {
    return Float64Array.from(low, (bound, i) => this.uniform(bound, high[i] as number));
  }

  /** `size` uniforms in [low, high): `uniform(low, high, size)`. */
  uniformArray(low: number, high: number, size: number): Float64Array {
    const drawn = new Float64Array(size);
    this.fillUniform(drawn, low, high);
    return drawn;
  }

  /** `size` standard normals: `standard_normal(size)`. */
  standardNormalArray(size: number): Float64Array {
    const drawn = new Float64Array(size);
    this.fillNormal(drawn);
    return drawn;
  }

  /** The whole generator: where its stream stands, the buffered uint32, and what `split` derives children from. */
  getState(): Tensors {
    const words = new BigUint64Array(this.#limbs.slice().buffer);
    const { entropy, spawnKey, children } = this.#seed;
    return {
      // State (low, high), increment (low, high), has_uint32, uinteger.
      pcg64: vector(BigUint64Array.of(...words, BigInt(this.#hasUint32), BigInt(this.#uint32))),
      // Children spawned, number of entropy words, the entropy, the spawn key.
      seed_sequence: vector(
        BigUint64Array.from([children, entropy.length, ...entropy, ...spawnKey], (word) => BigInt(word)),
      ),
    };
  }

  /** Takes over a state of `getState`. Throws a `TypeError` or `RangeError` for anything else, leaving this unchanged. */
  setState(state: Tensors): void {
    const { data: words } = take(state, 'pcg64', BigUint64Array);
    const { data: seed } = take(state, 'seed_sequence', BigUint64Array);
    const [children, entropyLength, ...seedWords] = Array.from(seed, Number);
    if (
      words.length !== 6 ||
      children === undefined ||
      entropyLength === undefined ||
      seedWords.length < entropyLength
    ) {
      throw new RangeError('These tensors are not the state of a Pcg64.');
    }
    const flag = words[4] as bigint;
    const buffered = words[5] as bigint;
    if (flag > 1n || buffered > 0xffffffffn || ((words[2] as bigint) & 1n) === 0n) {
      throw new RangeError('The state of the Pcg64 is corrupt: its increment is even or its buffer is not a uint32.');
    }
    this.#limbs.set(new Uint32Array(words.slice(0, 4).buffer));
    this.#hasUint32 = flag === 1n;
    this.#uint32 = Number(buffered);
    this.#seed = new SeedSequence(seedWords.slice(0, entropyLength), seedWords.slice(entropyLength), children);
  }

  /** One LCG step, state ← state · multiplier + increment (mod 2^128), and its output into `#high` and `#low`. */
  #advance(): void {
    const limbs = this.#limbs;
    const s0 = limbs[0] as number;
    const s1 = limbs[1] as number;
    const s2 = limbs[2] as number;
    const s3 = limbs[3] as number;
    const i0 = limbs[4] as number;
    const i1 = limbs[5] as number;
    const i2 = limbs[6] as number;
    const i3 = limbs[7] as number;

    // Column by column: the low 32 bits by wrapping integer arithmetic, the carry from the column's sum in doubles. The sum
    // is below 2^67 and so off by less than 2^16; less its low bits it is a multiple of 2^32, and rounding restores it.
    const r0 = (Math.imul(s0, M0) + i0) >>> 0;
    const c1 = (s0 * M0 + i0 - r0) * TWO_M32;
    const r1 = (Math.imul(s0, M1) + Math.imul(s1, M0) + i1 + ((c1 + 0.5) >>> 0)) >>> 0;
    const c2 = (s0 * M1 + s1 * M0 + i1 + c1 - r1) * TWO_M32;
    const r2 = (Math.imul(s0, M2) + Math.imul(s1, M1) + Math.imul(s2, M0) + i2 + ((c2 + 0.5) >>> 0)) >>> 0;
    const c3 = (s0 * M2 + s1 * M1 + s2 * M0 + i2 + c2 - r2) * TWO_M32;
    const r3 =
      (Math.imul(s0, M3) + Math.imul(s1, M2) + Math.imul(s2, M1) + Math.imul(s3, M0) + i3 + ((c3 + 0.5) >>> 0)) >>> 0;

    limbs[0] = r0;
    limbs[1] = r1;
    limbs[2] = r2;
    limbs[3] = r3;

    // XSL-RR: the halves' exclusive or, rotated right by the top six bits of the state.
    let high = r3 ^ r1;
    let low = r2 ^ r0;
    const rotation = r3 >>> 26;
    if (rotation >= 32) {
      const swapped = high;
      high = low;
      low = swapped;
    }
    const by = rotation & 31;
    if (by === 0) {
      this.#high = high;
      this.#low = low;
    } else {
      this.#high = (high >>> by) | (low << (32 - by));
      this.#low = (low >>> by) | (high << (32 - by));
    }
  }

  /** Beyond the last layer (Marsaglia 1964): two exponentials until one is under the curve. */
  #normalTail(negative: boolean): number {
    for (;;) {
      const x = -NORMAL_TAIL_INVERSE * Math.log1p(-this.random());
      const y = -Math.log1p(-this.random());
      if (y + y > x * x) return negative ? -(NORMAL_TAIL + x) : NORMAL_TAIL + x;
    }
  }

  /** Lemire's rejection on 64 bits, for ranges beyond 2^32; rare, so BigInt serves. */
  #bounded64(last: number): number {
    const count = BigInt(last) + 1n;
    const threshold = (0xffffffffffffffffn - BigInt(last)) % count;
    for (;;) {
      const product = this.nextUint64() * count;
      if ((product & 0xffffffffffffffffn) >= threshold) return Number(product >> 64n);
    }
  }
}
