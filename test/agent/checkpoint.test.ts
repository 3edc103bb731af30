import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CheckpointDocument,
  decodeCheckpoint,
  encodeCheckpoint,
  FORMAT_VERSION,
} from '../../src/agent/checkpoint.ts';
import { DomainError } from '../../src/errors.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { freshSeed } from '../support/seed.ts';

const document: CheckpointDocument = {
  format_version: FORMAT_VERSION,
  kind: 'model',
  algorithm: 'sac',
  spec_id: 'Pendulum-v1',
  env_kwargs: {},
  hyperparameters: { learning_rate: 3e-4 },
  timesteps: 42,
  engine: 'onnx-cpu',
  engine_identity: 'onnx-cpu 1.30.0 1',
};

const tensors: Tensors = {
  'parameters/actor/kernel': {
    shape: [2, 3],
    data: Float32Array.of(1, -2, Number.NaN, 0, Number.POSITIVE_INFINITY, -0),
  },
  'rng/pcg64': { shape: [2], data: BigUint64Array.of(1n, 2n ** 64n - 1n) },
  'env/state': { shape: [3], data: Float64Array.of(0.1, Number.EPSILON, -1e300) },
  flags: { shape: [3], data: Uint8Array.of(1, 0, 255) },
  cursor: { shape: [], data: Int32Array.of(-7) },
};

test('a checkpoint comes back as it was written, byte for byte', () => {
  const decoded = decodeCheckpoint(encodeCheckpoint(document, tensors));
  assert.deepEqual(decoded.document, document);
  assert.deepEqual(new Set(Object.keys(decoded.tensors)), new Set(Object.keys(tensors)));
  for (const [name, tensor] of Object.entries(tensors)) assert.deepEqual(decoded.tensors[name], tensor, name);
});

test('the file is safetensors: header length, JSON header, every tensor at the offsets that it names', () => {
  const file = Buffer.from(encodeCheckpoint(document, tensors));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  assert.equal((8 + length) % 8, 0);
  const { dtype, shape, data_offsets: offsets } = header['parameters/actor/kernel'];
  assert.deepEqual({ dtype, shape }, { dtype: 'F32', shape: [2, 3] });
  assert.equal(file.readFloatLE(8 + length + offsets[0] + 4), -2);
  assert.equal(JSON.parse(header.__metadata__.gymserve).timesteps, 42);
});

test('a damaged file is refused with a code and never crashes', (context) => {
  const file = encodeCheckpoint(document, tensors);
  const damage = fc.record({
    cut: fc.integer({ min: 0, max: file.length }),
    at: fc.integer({ min: 0, max: file.length - 1 }),
    byte: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(damage, ({ cut, at, byte }) => {
      const damaged = Uint8Array.from(file);
      damaged[at] = byte;
      try {
        decodeCheckpoint(damaged.subarray(0, cut));
      } catch (error) {
        assert.ok(error instanceof DomainError, String(error));
        assert.match(error.code, /^checkpoint_(corrupt|incompatible)$/);
      }
    }),
    { seed: freshSeed(context), numRuns: 2000, verbose: 1 },
  );
});

test('a file of a later format is refused, and says which one reads it', () => {
  const file = encodeCheckpoint({ ...document, format_version: FORMAT_VERSION + 1 }, tensors);
  assert.throws(() => decodeCheckpoint(file), {
    code: 'checkpoint_incompatible',
    message: new RegExp(`format version "?${FORMAT_VERSION + 1}`),
  });
});
