import assert from 'node:assert/strict';
import test from 'node:test';
import { cosFloat32, sinFloat32 } from '../../src/math/float32-trigonometry.ts';
import { type Packed, readFixture, unpack } from '../fixtures/read.ts';

interface Angles {
  readonly within: number;
  readonly angles: Packed;
  readonly cos: Packed;
  readonly sin: Packed;
}

for (const { within, angles, cos, sin } of readFixture<{ ranges: Angles[] }>('numpy-float32-trigonometry').ranges) {
  test(`sine and cosine of float32 angles up to ±${within} are numpy's, bit for bit`, () => {
    const x = unpack(angles) as Float32Array;
    assert.deepEqual(x.map(cosFloat32), unpack(cos));
    assert.deepEqual(x.map(sinFloat32), unpack(sin));
  });
}

test('angles beyond the reach of the reduction still have a sine and a cosine', () => {
  for (const x of [1e6, -1e9, Math.fround(1e30)]) {
    assert.equal(cosFloat32(x), Math.fround(Math.cos(x)));
    assert.equal(sinFloat32(x), Math.fround(Math.sin(x)));
  }
  assert.ok(Number.isNaN(sinFloat32(NaN)) && Number.isNaN(cosFloat32(Infinity)));
});
