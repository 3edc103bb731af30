import assert from 'node:assert/strict';
import test from 'node:test';
import type { Image } from '../../../src/envs/render/image.ts';
import { encodeAnimation, encodePng } from '../../../src/envs/render/png.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { chunksOf, decodePng, unfiltered } from '../../support/png.ts';

function noise(width: number, height: number, seed: number): Image {
  const numbers = Pcg64.fromSeed(seed).uniformArray(0, 256, 3 * width * height);
  return { width, height, data: Uint8Array.from(numbers) };
}

for (const [width, height] of [
  [1, 1],
  [1, 9],
  [9, 1],
  [17, 5],
  [64, 48],
] as const) {
  test(`a picture of ${width} × ${height} reads back`, () => {
    const image = noise(width, height, width);
    assert.deepEqual(decodePng(encodePng(image)), image);
  });
}

test('smooth rows, alike or not, take little room', () => {
  const data = Uint8Array.from({ length: 3 * 200 * 200 }, (_, i) => Math.floor(i / 600) + ((i % 600) >> 3));
  const file = encodePng({ width: 200, height: 200, data });
  assert.deepEqual(decodePng(file).data, data);
  assert.ok(file.length < 3000, `${file.length} bytes`);
});

test('an animation shows its first picture, then the others, for ever', () => {
  const images = [1, 2, 3].map((seed) => noise(7, 4, seed));
  const file = encodeAnimation(images, { framesPerSecond: 25 });
  assert.deepEqual(decodePng(file), images[0]);
  const chunks = chunksOf(file);
  assert.deepEqual(
    chunks.map(({ type }) => type),
    ['IHDR', 'acTL', 'fcTL', 'IDAT', 'fcTL', 'fdAT', 'fcTL', 'fdAT', 'IEND'],
  );
  const named = (...types: string[]) => chunks.filter(({ type }) => types.includes(type)).map(({ data }) => data);
  assert.deepEqual(
    named('acTL').map((data) => [data.readUInt32BE(0), data.readUInt32BE(4)]),
    [[3, 0]],
  );
  // One sequence over both kinds of chunks, and no gap in it.
  assert.deepEqual(
    named('fcTL', 'fdAT').map((data) => data.readUInt32BE(0)),
    [0, 1, 2, 3, 4],
  );
  for (const control of named('fcTL')) {
    assert.deepEqual(
      [4, 8, 12, 16].map((at) => control.readUInt32BE(at)),
      [7, 4, 0, 0],
    );
    assert.equal(control.readUInt16BE(20) / control.readUInt16BE(22), 1 / 25);
    assert.equal(control.length, 26);
  }
  for (const [i, data] of named('fdAT').entries()) {
    assert.deepEqual(unfiltered(7, 4, data.subarray(4)), images[i + 1]);
  }
});

test('an animation of nothing, or of pictures that differ in size, is refused', () => {
  assert.throws(() => encodeAnimation([], { framesPerSecond: 10 }), RangeError);
  assert.throws(() => encodeAnimation([noise(2, 2, 1), noise(2, 3, 1)], { framesPerSecond: 10 }), /2 × 3/);
});
