import assert from 'node:assert/strict';
import test from 'node:test';
import { sumOfSquares } from '../../src/math/sum-of-squares.ts';
import { type Packed, readFixture, unpack } from '../fixtures/read.ts';

interface SumCase {
  readonly x: Packed;
  readonly sum: number;
}

const { float32_sums_of_squares: cases, float64_sum_of_squares: forces } = readFixture<{
  float32_sums_of_squares: readonly SumCase[];
  float64_sum_of_squares: SumCase;
}>('numpy');

for (const { x, sum } of cases) {
  test(`${x.shape[0]} squares add up in numpy’s order`, () => {
    assert.equal(sumOfSquares(unpack(x) as Float32Array), sum);
  });
}

test('84 squares in float64 add up in numpy’s order', () => {
  assert.equal(sumOfSquares(unpack(forces.x)), forces.sum);
});

test('more than 128 elements are refused, since numpy splits those', () => {
  assert.throws(() => sumOfSquares(new Float32Array(129)), RangeError);
});
