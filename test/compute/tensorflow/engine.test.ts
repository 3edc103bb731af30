// What conformance.test.ts does not ask of the engines that run TensorFlow: threads that end, memory that is TensorFlow's, what is said
// where something is missing. Most of it needs the addon, which scripts/build-tfjs-node.sh builds.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { Engines } from '../../../src/compute/engines.ts';
import { absentAddon } from '../../../src/compute/tensorflow/addon.ts';
import { tfjsNodeEngine, tfjsNodeGpuEngine } from '../../../src/compute/tensorflow/engine.ts';
import { trace } from '../../../src/compute/trace/trace.ts';
import { DomainError } from '../../../src/errors.ts';
import { ENGINE_SETTINGS } from '../../support/engine-settings.ts';

const absent = absentAddon('@tensorflow/tfjs-node');
const LOOPER = fileURLToPath(new URL('./looper.js', import.meta.url));

const gpuAbsent = absentAddon('@tensorflow/tfjs-node-gpu');

test('an engine whose package is not there names it, and the command that gets it', async () => {
  const engines = new Engines(ENGINE_SETTINGS);
  for (const [name, reason, command] of [
    ['tfjs-node', absent, 'scripts/build-tfjs-node.sh'],
    ['tfjs-node-gpu', gpuAbsent, 'npm run setup:gpu'],
  ] as const) {
    if (reason === null) continue;
    await assert.rejects(engines.find(name), (thrown: unknown) => {
      assert.ok(thrown instanceof DomainError);
      assert.equal(thrown.code, 'engine_not_available');
      assert.ok(thrown.message.includes(`@tensorflow/${name} is not installed. `), thrown.message);
      assert.ok(thrown.message.includes(command), thrown.message);
      return true;
    });
  }
});

test('tfjs-node-gpu does not compute on the processor in silence', { skip: gpuAbsent ?? false }, async () => {
  const reason = (await new Engines(ENGINE_SETTINGS).list()).find(({ name }) => name === 'tfjs-node-gpu')?.reason;
  if (reason !== null) assert.match(reason ?? '', /found no GPU|does not load/);
  else assert.match((await tfjsNodeGpuEngine.compile(counter(), { threads: 1 })).identity, /^tfjs-node-gpu /);
});

/** How the process ends; it is ended by `signal` once it runs. */
async function outcome(t: TestContext, mode: string, signal?: NodeJS.Signals): Promise<unknown> {
  const child = spawn(process.execPath, [LOOPER, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  if (signal !== undefined) child.stdout.once('data', () => child.kill(signal));
  const [code, ended] = await once(child, 'exit');
  return ended ?? code;
}

for (const { mode, signal, expected, what } of [
  { mode: 'threads', expected: 0, what: 'threads end in the middle of a call, and the process goes on' },
  { mode: 'exit', expected: 3, what: 'the process exits while a thread runs a call' },
  { mode: 'forever', signal: 'SIGTERM', expected: 'SIGTERM', what: 'the process is ended between two calls' },
] as const) {
  test(`with tfjs-node, ${what}`, { skip: absent ?? false, timeout: 180_000 }, async (t) => {
    assert.equal(await outcome(t, mode, signal), expected);
  });
}

const counter = () =>
  trace(
    ({ kept, sum }, { x }) => {
      sum.assign(tf.add(sum, 1));
      kept.assign(x);
      return { x, sum };
    },
    { state: { kept: [64], sum: [] }, inputs: { x: [64] } },
  );

test('a state that was given an input keeps its numbers, whatever becomes of the array', {
  skip: absent ?? false,
}, async () => {
  const program = await tfjsNodeEngine.compile(counter(), { threads: 1 });
  program.inputs['x']?.fill(3);
  await program.run();
  program.inputs['x']?.fill(5);
  assert.deepEqual([...program.peek('kept')], new Array(64).fill(3));
  await program.dispose();
});

test('a program leaves nothing on disk, and its arrays in place', { skip: absent ?? false }, async () => {
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('gymserve-tensorflow-'));
  const before = folders();
  const program = await tfjsNodeEngine.compile(counter(), { threads: 1 });
  assert.deepEqual(
    folders().filter((name) => !before.includes(name)),
    [],
  );
  const { x, sum } = program.outputs;
  for (let call = 0; call < 3; call += 1) await program.run();
  assert.equal(program.outputs['x'], x);
  assert.deepEqual([...(sum ?? [])], [3]);
  await program.dispose();
  await assert.rejects(program.run());
});

test('a thread whose main thread did not prepare the environment is told so', { skip: absent ?? false }, async () => {
  const { TF_NUM_INTRAOP_THREADS: _, ...env } = process.env;
  const url = new URL('./looper.js', import.meta.url);
  const [error] = await once(new Worker(url, { env, workerData: 1 }), 'error').catch((thrown: unknown) => [thrown]);
  assert.match((error as Error).message, /did not prepare/);
});

test('memory that there is not ends the call with what can be done about it, and the next one works', {
  skip: absent ?? false,
}, async () => {
  // A product of 4 TB, of which only the sum is asked for.
  const wide = 2 ** 20;
  const huge = trace((_, { x, y }) => ({ sum: tf.sum(tf.exp(tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D))) }), {
    state: {},
    inputs: { x: [wide, 1], y: [1, wide] },
  });
  const program = await tfjsNodeEngine.compile(huge, { threads: 1 });
  await assert.rejects(program.run(), (thrown: unknown) => {
    assert.ok(thrown instanceof DomainError, String(thrown));
    assert.equal(thrown.code, 'engine_not_available');
    assert.match(thrown.message, /^The engine "tfjs-node" failed while it ran a program: .*OOM.*smaller batch_size/);
    return true;
  });
  await program.dispose();
  const small = await tfjsNodeEngine.compile(counter(), { threads: 1 });
  await small.run();
  assert.deepEqual([...(small.outputs['sum'] ?? [])], [1]);
  await small.dispose();
});
