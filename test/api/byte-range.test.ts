import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRange } from '../../src/api/byte-range.ts';
import { freshSeed } from '../support/seed.ts';

for (const [header, range] of [
  [undefined, null],
  ['bytes=0-0', { first: 0, last: 0 }],
  ['bytes=2-', { first: 2, last: 9 }],
  ['bytes=-4', { first: 6, last: 9 }],
  ['bytes=-40', { first: 0, last: 9 }],
  ['bytes=3-400', { first: 3, last: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', null],
  ['bytes=-', null],
  ['bytes=0-1,3-4', null],
  ['bytes=a-b', null],
  ['items=0-1', null],
] as const) {
  test(`${header} of 10 bytes is ${JSON.stringify(range)}`, () => assert.deepEqual(parseRange(header, 10), range));
}

test('whatever is asked for, a range lies within the file', (context) => {
  const part = fc.oneof(fc.nat().map(String), fc.constant(''));
  fc.assert(
    fc.property(part, part, fc.nat(), (from, to, size) => {
      const range = parseRange(`bytes=${from}-${to}`, size);
      if (range === null || range === 'unsatisfiable') return;
      assert.ok(0 <= range.first && range.first <= range.last && range.last < size);
    }),
    { seed: freshSeed(context) },
  );
});

test('an empty file has no ranges', () => assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable'));
