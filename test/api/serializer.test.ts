import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toJson, toJsonInSlices } from '../../src/api/serializer.ts';
import { TensorData } from '../../src/envs/spaces/tensor-data.ts';
import { freshSeed } from '../support/seed.ts';

test('numbers that JSON cannot write become strings, wherever they are', () => {
  const value = { a: Number.NaN, b: [1, [Number.POSITIVE_INFINITY]], c: { d: Number.NEGATIVE_INFINITY }, e: null };
  assert.equal(toJson(value), '{"a":"NaN","b":[1,["Infinity"]],"c":{"d":"-Infinity"},"e":null}');
});

test('everything else is what JSON.stringify writes', (context) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => assert.equal(toJson(value), JSON.stringify(value))),
    { seed: freshSeed(context) },
  );
});

test('times are RFC 3339', () => assert.equal(toJson({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}'));

const numbers = Float64Array.from({ length: 9000 }, (_, i) => (i === 7000 ? Number.NaN : Math.sin(i)));
/** As nested lists say it, apart from the code that cuts it. */
const rowsOfThree = Array.from({ length: 3000 }, (_, i) =>
  Array.from(numbers.subarray(3 * i, 3 * i + 3), (x) => (Number.isNaN(x) ? 'NaN' : x)),
);

for (const { name, value, expected } of [
  { name: 'a tensor', value: new TensorData('float64', [3000, 3], numbers), expected: rowsOfThree },
  { name: 'a list of numbers', value: new TensorData('float64', [9000], numbers), expected: rowsOfThree.flat() },
  {
    name: 'one row that is large by itself',
    value: { a: undefined, b: new TensorData('float64', [1, 9000], numbers), 'ü"': null },
    expected: { b: [rowsOfThree.flat()], 'ü"': null },
  },
  {
    name: 'flags',
    value: [
      new TensorData(
        'bool',
        [2, 2500],
        Uint8Array.from({ length: 5000 }, (_, i) => i % 2),
      ),
      undefined,
    ],
    expected: [[0, 1].map(() => Array.from({ length: 2500 }, (_, i) => i % 2 === 1)), null],
  },
  {
    name: 'many small objects',
    value: { infos: Array.from({ length: 5000 }, (_, i) => ({ i, at: Number.POSITIVE_INFINITY, none: [] })) },
    expected: { infos: Array.from({ length: 5000 }, (_, i) => ({ i, at: 'Infinity', none: [] })) },
  },
]) {
  test(`${name}, written in slices, is the JSON that it would be in one go`, async () => {
    const written = await toJsonInSlices(value);
    assert.ok(written instanceof Uint8Array, 'it was written in one go');
    assert.equal(Buffer.from(written).toString(), JSON.stringify(expected));
  });
}

test('others have their turn while much is written', async () => {
  const value = new TensorData(
    'float64',
    [100, 3000],
    new Float64Array(300_000).map((_, i) => Math.sin(i)),
  );
  let turns = 0;
  const count = () => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  await toJsonInSlices(value);
  clearImmediate(immediate);
  // Rows of 3,000 numbers are some 57,000 characters, so that a slice of 64 Ki is two of a hundred.
  assert.ok(turns > 40, `there were ${turns} turns`);
});

test('what is small is text at once', async () => {
  assert.equal(await toJsonInSlices({ reward: Number.NaN }), '{"reward":"NaN"}');
});
