// What users are told where an engine's library failed: each library has words of its own for memory that was too small.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { compileFailure, isAboutMemory, runFailure } from '../../src/compute/engine-failure.ts';
import { Engines, explaining } from '../../src/compute/engines.ts';
import type { Graph } from '../../src/compute/graph.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { DomainError } from '../../src/errors.ts';

const cause = new Error('what the library threw');
const REMEDY =
  / Give it more memory, or it less to hold: a smaller batch_size, a smaller network, .*fewer jobs at once\.$/;

for (const why of [
  'Failed to allocate memory for requested buffer of size 4398046511104',
  'Non-zero status code returned while running Exp node. Status Message: std::bad_alloc',
  'CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; expr=cudaMalloc((void**)&p, size);',
  'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0',
  'Out of memory',
  'failed to create buffer',
  'OOM when allocating tensor with shape[1048576,1048576] and type float on /job:localhost/replica:0/task:0/device:GPU:0',
  'RESOURCE_EXHAUSTED: failed to allocate memory',
]) {
  test(`what to do about memory is said after "${why.slice(0, 60)}"`, () => {
    for (const [fail, did] of [
      [compileFailure, 'prepared'],
      [runFailure, 'ran'],
    ] as const) {
      const error = fail({ name: 'onnx-cuda', why, cause });
      assert.ok(error.message.startsWith(`The engine "onnx-cuda" failed while it ${did} a program: ${why}`));
      assert.match(error.message, REMEDY);
      assert.ok(isAboutMemory(error));
      assert.deepEqual([error.code, error.cause], ['engine_not_available', cause]);
    }
  });
}

test('other failures are not blamed on memory: the room that a driver lost, a device that is gone', () => {
  for (const why of [
    'there is no room for a shader of 3 stages',
    'A valid external Instance reference no longer exists.',
  ]) {
    assert.equal(compileFailure({ name: 'onnx-webgpu', why, cause }).message, why);
    const running = runFailure({ name: 'onnx-webgpu', why, cause });
    assert.equal(running.message, `The engine "onnx-webgpu" failed while it ran a program: ${why}`);
    assert.ok(!isAboutMemory(running));
  }
});

test('an engine that could not compile is to be installed only where that helps', async () => {
  const refusal = async (why: string): Promise<string> => {
    const compile = async () => {
      throw compileFailure({ name: 'onnx-cuda', why, cause });
    };
    const engine = explaining({ name: 'onnx-cuda', compile }, 'Install it.');
    const thrown = await engine.compile({} as Graph, { threads: 1 }).catch((error: unknown) => error);
    return (thrown as Error).message;
  };
  assert.equal(
    await refusal('no device'),
    'The engine "onnx-cuda" could not compile a program: no device. Install it.',
  );
  assert.match(await refusal('CUDA failure 2: out of memory'), REMEDY);
});

test('onnx-cpu says what to do where a call needs 4 TB, and the next program works', async () => {
  const wide = 2 ** 20;
  const huge = trace((_, { x, y }) => ({ sum: tf.sum(tf.exp(tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D))) }), {
    state: {},
    inputs: { x: [wide, 1], y: [1, wide] },
  });
  const engine = await new Engines({ compiler: 'off', cacheDirectory: '', dumpDirectory: null }).find('onnx-cpu');
  const program = await engine.compile(huge, { threads: 1 });
  await assert.rejects(program.run(), (thrown: unknown) => {
    assert.ok(thrown instanceof DomainError && thrown.code === 'engine_not_available', String(thrown));
    assert.match(thrown.message, /^The engine "onnx-cpu" failed while it ran a program: /);
    assert.match(thrown.message, REMEDY);
    return true;
  });
  await program.dispose();
  const small = await engine.compile(
    trace((_, { x }) => ({ y: tf.neg(x as tf.Tensor) }), { state: {}, inputs: { x: [2] } }),
    { threads: 1 },
  );
  await small.run();
  await small.dispose();
});
