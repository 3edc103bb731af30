import assert from 'node:assert/strict';
import test from 'node:test';
import { choice, narrowIntegers, permutation, shuffle, weightedChoices } from '../../src/math/draws.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { readFixture } from '../fixtures/read.ts';

/** A call and, last, what numpy returned. */
type Step =
  | readonly ['shuffle' | 'permutation', n: number, order: number[]]
  | readonly ['choice', n: number, chosen: number]
  | readonly ['weighted', probabilities: number[], size: number, chosen: number[]]
  | readonly ['narrow', bits: 8 | 16, low: number, high: number, size: number, drawn: number[]]
  | readonly ['int32', low: number, high: number, size: number, drawn: number[]]
  | readonly ['random', drawn: number];

const { generators } = readFixture<{
  generators: {
    seed: number;
    steps: Step[];
    has_uint32: number;
    uinteger: number;
    next: string;
    narrow: { bits: 8 | 16; low: number; high: number; drawn: number[] }[];
  }[];
}>('numpy-draws');

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

function draw(rng: Pcg64, step: Step): unknown {
  switch (step[0]) {
    case 'shuffle': {
      const items = upTo(step[1]);
      shuffle(rng, items);
      return items;
    }
    case 'permutation':
      return permutation(rng, step[1]);
    case 'choice':
      return choice(rng, upTo(step[1]));
    case 'weighted':
      return weightedChoices(rng, step[1], step[2]);
    case 'narrow':
      return narrowIntegers(rng, step[1], step[2], step[3], step[4]);
    case 'int32':
      return upTo(step[3]).map(() => rng.integers(step[1], step[2]));
    case 'random':
      return rng.random();
  }
}

for (const { seed, steps, has_uint32, uinteger, next, narrow } of generators) {
  test(`seed ${seed} chooses and shuffles as numpy, a snapshot before each`, () => {
    let rng = Pcg64.fromSeed(seed);
    for (const step of steps) {
      rng = Pcg64.fromState(structuredClone(rng.getState()));
      assert.deepEqual(draw(rng, step), step.at(-1), JSON.stringify(step));
    }
    const words = rng.getState().pcg64?.data as BigUint64Array;
    assert.deepEqual([words[4], words[5]], [BigInt(has_uint32), BigInt(uinteger)]);
    assert.equal(String(rng.nextUint64()), next);
  });

  for (const { bits, low, high, drawn } of narrow) {
    test(`seed ${seed} draws numpy's ${bits}-bit integers from ${low} to ${high}`, () => {
      assert.deepEqual(narrowIntegers(Pcg64.fromSeed(seed), bits, low, high, drawn.length), drawn);
    });
  }
}

test('draws that nothing can satisfy are refused', () => {
  const rng = Pcg64.fromSeed(0);
  const before = rng.getState();
  assert.throws(() => choice(rng, []), RangeError);
  for (const p of [[], [0.5], [0.5, 0.6], [-0.5, 1.5], [NaN, 1]])
    assert.throws(() => weightedChoices(rng, p, 1), RangeError);
  for (const [low, high] of [
    [0, 0],
    [0, 257],
    [0.5, 2],
  ] as const)
    assert.throws(() => narrowIntegers(rng, 8, low, high, 1), RangeError);
  assert.deepEqual(rng.getState(), before);
});
