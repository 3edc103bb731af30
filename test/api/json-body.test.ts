import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBody } from '../../src/api/json.ts';
import { InvalidRequest } from '../../src/api/problem.ts';
import { freshSeed } from '../support/seed.ts';

test('a body is what JSON.parse makes of it', (context) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/__proto__|constructor/.test(text));
      assert.deepEqual(parseBody(text), JSON.parse(text));
    }),
    { seed: freshSeed(context) },
  );
});

test('nothing means {}', () => assert.deepEqual(['', ' \n'].map(parseBody), [{}, {}]));

for (const depth of [64, 65, 100_000]) {
  test(`${depth} levels are ${depth > 64 ? 'too many' : 'fine'}`, () => {
    const parse = () => parseBody('['.repeat(depth) + ']'.repeat(depth));
    if (depth > 64) assert.throws(parse, InvalidRequest);
    else assert.doesNotThrow(parse);
  });
}

test('brackets in strings are no levels', () => {
  const text = JSON.stringify({ note: `${'['.repeat(100)}\\"{` });
  assert.deepEqual(parseBody(text), JSON.parse(text));
});

for (const text of [
  '{"a":[{"__proto__":1}]}',
  '{"\\u005f\\u005fproto__":1}',
  '{"a":{"constructor":1}}',
  '{"c\\u006fnstructor":1}',
]) {
  test(`${text} is refused`, () => assert.throws(() => parseBody(text), InvalidRequest));
}

test('a value may be called constructor', () => assert.deepEqual(parseBody('["constructor"]'), ['constructor']));
