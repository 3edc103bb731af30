import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toJson } from '../../src/api/serializer.ts';

test('numbers that JSON cannot write become strings, wherever they are', () => {
  const value = { a: Number.NaN, b: [1, [Number.POSITIVE_INFINITY]], c: { d: Number.NEGATIVE_INFINITY }, e: null };
  assert.equal(toJson(value), '{"a":"NaN","b":[1,["Infinity"]],"c":{"d":"-Infinity"},"e":null}');
});

test('everything else is what JSON.stringify writes', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(toJson(value), JSON.stringify(value))));
});

test('times are RFC 3339', () => assert.equal(toJson({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}'));
