// numpy's SeedSequence: turns one integer of any quality into well mixed words, and into independent children.
// Follows O'Neill's randutils `seed_seq_fe` as numpy/random/bit_generator.pyx parameterises it. It holds no generator.

const POOL_SIZE = 4;
const INIT_A = 0x43b0d7e5;
const MULT_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULT_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;

/** Little-endian uint32 words of a non-negative integer; [0] for 0. */
function wordsOf(integer: number | bigint): number[] {
  const words: number[] = [];
  for (let rest = BigInt(integer); rest > 0n || words.length === 0; rest >>= 32n)
    words.push(Number(rest & 0xffffffffn));
  return words;
}

/** The running multiplicative hash both halves of the construction are made of. */
class Hash {
  readonly #multiplier: number;
  #constant: number;

  constructor(initial: number, multiplier: number) {
    this.#constant = initial;
    this.#multiplier = multiplier;
  }

  mix(word: number): number {
    const salted = word ^ this.#constant;
    this.#constant = Math.imul(this.#constant, this.#multiplier);
    const product = Math.imul(salted, this.#constant);
    return (product ^ (product >>> 16)) >>> 0;
  }
}

function combine(left: number, right: number): number {
  const difference = (Math.imul(MIX_LEFT, left) - Math.imul(MIX_RIGHT, right)) | 0;
  return (difference ^ (difference >>> 16)) >>> 0;
}

export class SeedSequence {
  /** uint32 words of the integer everything came from. */
  readonly entropy: readonly number[];
  /** Which child of which child this is; empty at the root. */
  readonly spawnKey: readonly number[];
  #children: number;

  constructor(entropy: readonly number[], spawnKey: readonly number[] = [], children = 0) {
    this.entropy = entropy;
    this.spawnKey = spawnKey;
    this.#children = children;
  }

  /** Throws a `RangeError` unless `seed` is a non-negative integer (a number must be a safe one). */
  static fromSeed(seed: number | bigint): SeedSequence {
    if ((typeof seed === 'number' && !Number.isSafeInteger(seed)) || seed < 0) {
      throw new RangeError(`A seed is a non-negative integer up to 2^53 − 1 (or a bigint); got ${seed}.`);
    }
    return new SeedSequence(wordsOf(seed));
  }

  /** How many children were spawned so far. */
  get children(): number {
    return this.#children;
  }

  /** The next child, equal to `SeedSequence.spawn(1)[0]` of numpy. */
  spawn(): SeedSequence {
    const child = new SeedSequence(this.entropy, [...this.spawnKey, this.#children]);
    this.#children += 1;
    return child;
  }

  /** `count` uint32 words, as numpy's `generate_state(count)`. */
  generate(count: number): Uint32Array {
    const pool = this.#pool();
    const hash = new Hash(INIT_B, MULT_B);
    return Uint32Array.from({ length: count }, (_, i) => hash.mix(pool[i % POOL_SIZE] as number));
  }

  #pool(): readonly number[] {
    const words = [...this.entropy];
    // A child pads its entropy to the pool first, so that its key can never be mistaken for more entropy.
    if (this.spawnKey.length > 0) while (words.length < POOL_SIZE) words.push(0);
    words.push(...this.spawnKey);

    const hash = new Hash(INIT_A, MULT_A);
    const pool = Array.from({ length: POOL_SIZE }, (_, i) => hash.mix(words[i] ?? 0));
    for (let from = 0; from < POOL_SIZE; from++) {
      for (let to = 0; to < POOL_SIZE; to++) {
        if (from !== to) pool[to] = combine(pool[to] as number, hash.mix(pool[from] as number));
      }
    }
    for (const word of words.slice(POOL_SIZE)) {
      for (let to = 0; to < POOL_SIZE; to++) pool[to] = combine(pool[to] as number, hash.mix(word));
    }
    return pool;
  }
}
