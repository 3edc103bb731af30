import assert from 'node:assert/strict';
import test from 'node:test';
import { sumOfSquares } from '../../src/math/float32.ts';
import { type Packed, readFixture, unpack } from '../fixtures/read.ts';

const { float32_sums_of_squares: cases } = readFixture<{ float32_sums_of_squares: { x: Packed; sum: number }[] }>(
  'numpy',
);

for (const { x, sum } of cases) {
  test(`${x.shape[0]} squares add up in numpy’s order`, () => {
    assert.equal(sumOfSquares(unpack(x) as Float32Array), sum);
  });
}

test('more than 128 elements are refused, since numpy splits those', () => {
  assert.throws(() => sumOfSquares(new Float32Array(129)), RangeError);
});
