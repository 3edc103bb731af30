import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { isPacked, parseMsgpack, toMsgpack } from '../../src/api/msgpack.ts';
import { InvalidRequest } from '../../src/api/problem.ts';
import { TensorData } from '../../src/envs/spaces/tensor-data.ts';
import { freshSeed } from '../support/seed.ts';

test('a message is what JSON would have been', (context) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      fc.pre(!/__proto__|constructor|dtype/.test(JSON.stringify(value)));
      // JSON has no −0.
      assert.deepEqual(JSON.stringify(parseMsgpack(encode(value))), JSON.stringify(value));
    }),
    { seed: freshSeed(context) },
  );
});

test('what is written is read again, tensors in fields too', (context) => {
  const floats = fc.array(fc.float(), { maxLength: 20 });
  fc.assert(
    fc.property(floats, fc.dictionary(fc.string(), fc.integer()), (numbers, fields) => {
      fc.pre(!Object.keys(fields).some((name) => ['__proto__', 'constructor', 'tensor'].includes(name)));
      const tensor = new TensorData('float32', [numbers.length], Float32Array.from(numbers));
      const read = parseMsgpack(toMsgpack({ ...fields, tensor }));
      assert.deepEqual({ ...(read as object) }, { ...fields, tensor });
      assert.ok(isPacked(read));
    }),
    { seed: freshSeed(context) },
  );
});

test('a tensor keeps to itself: the message may be used again', () => {
  const bytes = toMsgpack({ action: new TensorData('float64', [1], Float64Array.of(7)) });
  const { action } = parseMsgpack(bytes) as { action: TensorData };
  bytes.fill(0);
  assert.equal(action.data[0], 7);
});

for (const [depth, isFine] of [
  [64, true],
  [65, false],
  [100_000, false],
] as const) {
  test(`${depth} levels, each the last value of the one above, are ${isFine ? 'fine' : 'too many'}`, () => {
    for (const head of [[0x91], [0x81, 0xa1, 0x61], [0x92, 0xc0]]) {
      const bytes = Uint8Array.from([...new Array(depth).fill(head).flat(), 0xc0]);
      if (isFine) assert.doesNotThrow(() => parseMsgpack(bytes));
      else assert.throws(() => parseMsgpack(bytes), InvalidRequest);
    }
  });
}

test('levels that ended do not count', () => {
  const list = new Array(100).fill(new Array(100).fill([[]]));
  assert.deepEqual(parseMsgpack(encode(list)), list);
});

test('a tensor of rows without numbers is refused: its shape would promise more lists than there is memory', () => {
  const message = (shape: number[]) => encode({ action: { dtype: 'float32', shape, data: new Uint8Array(0) } });
  for (const shape of [
    [1_048_576, 1_048_576, 0],
    [1, 0],
    [2, 0, 3],
  ])
    assert.throws(() => parseMsgpack(message(shape)), /rows that hold no numbers; only the first length may be 0/);
  for (const shape of [[0], [0, 1_048_576]])
    assert.equal(JSON.stringify(parseMsgpack(message(shape))), '{"action":[]}');
});

test('arrays that promise more than there is take no memory', () => {
  const before = process.memoryUsage().rss;
  // Each of these would make a decoder set aside 32 million places.
  const bytes = Uint8Array.from(new Array(50_000).fill([0xdd, 0x01, 0xff, 0xff, 0xff]).flat());
  assert.throws(() => parseMsgpack(bytes), /promises more values/);
  assert.ok(process.memoryUsage().rss - before < 200 * 2 ** 20);
});

test('any bytes are a message or an invalid request, and nothing else', (context) => {
  let whole = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      try {
        JSON.stringify(parseMsgpack(bytes, 2));
        whole++;
      } catch (error) {
        assert.ok(error instanceof InvalidRequest, String(error));
      }
    }),
    { seed: freshSeed(context), numRuns: 20_000 },
  );
  assert.ok(whole > 0);
});
