import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { SeedSequence } from '../../src/math/seed-sequence.ts';
import { readFixture } from '../fixtures/read.ts';
import { freshSeed } from '../support/seed.ts';

type Step =
  | readonly ['integers' | 'uniform', number, number, number]
  | readonly ['random' | 'standardNormal' | 'standardExponential', number];

interface GeneratorCase {
  readonly seed: string;
  readonly generated: number[];
  readonly raw: string[];
  readonly random: number[];
  readonly uniform: number[];
  readonly uniform_between: number[];
  readonly standard_normal: number[];
  readonly standard_exponential: number[];
  readonly integers: { low: number; high: number; drawn: number[] }[];
  readonly mixed: Step[];
  readonly state_after_mixed: string[];
  readonly children: string[][];
}

const fixture = readFixture<{
  generators: GeneratorCase[];
  digests: {
    count: number;
    seed: number;
    random: string;
    standard_normal: string;
    standard_exponential: string;
    integers: string;
  };
}>('numpy');

const repeat = (count: number, draw: () => number) => Array.from({ length: count }, draw);
const raw = (rng: Pcg64, count: number) => Array.from({ length: count }, () => String(rng.nextUint64()));

function draw(rng: Pcg64, step: Step): number {
  switch (step[0]) {
    case 'integers':
      return rng.integers(step[1], step[2] as number);
    case 'uniform':
      return rng.uniform(step[1], step[2] as number);
    default:
      return rng[step[0]]();
  }
}

for (const expected of fixture.generators) {
  const fresh = () => Pcg64.fromSeed(BigInt(expected.seed));

  test(`seed ${expected.seed} draws what numpy draws`, () => {
    assert.deepEqual([...SeedSequence.fromSeed(BigInt(expected.seed)).generate(8)], expected.generated);
    assert.deepEqual(raw(fresh(), 20), expected.raw);
    const [a, b, c, d] = [fresh(), fresh(), fresh(), fresh()];
    assert.deepEqual(
      repeat(20, () => a.random()),
      expected.random,
    );
    assert.deepEqual([...b.uniformArray(-0.1, 0.1, 9)], expected.uniform);
    assert.deepEqual([...c.standardNormalArray(40)], expected.standard_normal);
    assert.deepEqual(
      repeat(40, () => d.standardExponential()),
      expected.standard_exponential,
    );
    assert.deepEqual([...fresh().uniformBetween([-1, 0, 2], [1, 0.5, 2.25])], expected.uniform_between);
  });

  for (const { low, high, drawn } of expected.integers) {
    test(`seed ${expected.seed} draws numpy's integers from ${low} to ${high}`, () => {
      const rng = fresh();
      assert.deepEqual(
        repeat(drawn.length, () => rng.integers(low, high)),
        drawn,
      );
    });
  }

  test(`seed ${expected.seed} keeps numpy's state through mixed draws, a snapshot at each`, () => {
    let rng = fresh();
    for (const step of expected.mixed) {
      rng = Pcg64.fromState(structuredClone(rng.getState()));
      assert.equal(draw(rng, step), step.at(-1), JSON.stringify(step));
    }
    const words = rng.getState().pcg64?.data as BigUint64Array;
    assert.deepEqual(Array.from(words, String), expected.state_after_mixed);
  });

  test(`seed ${expected.seed} splits into numpy's children without drawing`, () => {
    const parent = fresh();
    const [first, restored] = [parent.split(), Pcg64.fromState(parent.getState())];
    const children = [first, restored.split(), first.split()];
    assert.deepEqual(
      children.map((child) => raw(child, 4)),
      expected.children,
    );
    assert.deepEqual(raw(parent, 20), expected.raw);
  });
}

test('200,000 draws of each distribution are numpy’s, byte for byte', () => {
  const { count, seed, ...digests } = fixture.digests;
  const digestOf = (next: (rng: Pcg64) => number) => {
    const rng = Pcg64.fromSeed(seed);
    const drawn = Float64Array.from({ length: count }, () => next(rng));
    return createHash('sha256').update(new Uint8Array(drawn.buffer)).digest('hex');
  };
  assert.equal(
    digestOf((rng) => rng.random()),
    digests.random,
  );
  assert.equal(
    digestOf((rng) => rng.standardNormal()),
    digests.standard_normal,
  );
  assert.equal(
    digestOf((rng) => rng.standardExponential()),
    digests.standard_exponential,
  );
  assert.equal(
    digestOf((rng) => rng.integers(0, 3_000_000_019)),
    digests.integers,
  );
});

test('filling a float32 array rounds the float64 draws', () => {
  const [a, b, c, d] = [3, 3, 4, 4].map((seed) => Pcg64.fromSeed(seed)) as [Pcg64, Pcg64, Pcg64, Pcg64];
  const [normals, uniforms] = [new Float32Array(100), new Float32Array(100)];
  a.fillNormal(normals);
  c.fillUniform(uniforms, -2, 3);
  assert.deepEqual(
    normals,
    Float32Array.from({ length: 100 }, () => b.standardNormal()),
  );
  assert.deepEqual(
    uniforms,
    Float32Array.from({ length: 100 }, () => d.uniform(-2, 3)),
  );
});

test('unfit seeds, ranges and states are refused', () => {
  for (const seed of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n]) assert.throws(() => Pcg64.fromSeed(seed), RangeError);
  const rng = Pcg64.fromSeed(1);
  for (const [low, high] of [
    [0, 0],
    [3, 1],
    [0.5, 2],
    [0, NaN],
  ] as const)
    assert.throws(() => rng.integers(low, high), RangeError);
  const state = rng.getState();
  assert.throws(() => rng.setState({}), TypeError);
  assert.throws(() => rng.setState({ ...state, pcg64: { shape: [2], data: new BigUint64Array(2) } }), RangeError);
  assert.throws(() => rng.setState({ ...state, pcg64: { shape: [6], data: new BigUint64Array(6) } }), RangeError);
  assert.deepEqual(rng.getState(), state);
});

test('generators from entropy differ', () => {
  assert.notDeepEqual(raw(Pcg64.fromEntropy(), 2), raw(Pcg64.fromEntropy(), 2));
});

test('normals drawn in bulk are those drawn one by one, tails and buffers included', (context) => {
  const seed = freshSeed(context);
  const [bulk, single] = [Pcg64.fromSeed(seed), Pcg64.fromSeed(seed)];
  // Longer than the chunk that WebAssembly fills at once; after an odd number of 32-bit draws.
  for (const size of [1, 7, 7168, 7169, 100_000]) {
    assert.equal(bulk.nextUint32(), single.nextUint32());
    const normals = new Float64Array(size);
    bulk.fillNormal(normals);
    assert.deepEqual(
      normals,
      Float64Array.from({ length: size }, () => single.standardNormal()),
    );
  }
  assert.deepEqual(bulk.getState(), single.getState());
});
