// One result, whatever the number of threads and whatever else runs: a checkpoint can be resumed on a machine with other cores.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { freshSeed } from '../../support/seed.ts';
import { type Case, movements, plainCase, products, RAGGED, sacCase, TINY } from './cases.ts';
import { machineCompiler, openRaw, skip } from './machine.ts';
import { randomGraph } from './random-graph.ts';
import { assertFollowsReference } from './reference-updates.ts';
import { digest, ENGINE, trained } from './trainer.ts';

const UPDATES = 4;

/** What the last of several calls left in outputs and state, to the last bit. */
async function bytesOf(one: Case, threads: number): Promise<Readonly<Record<string, Buffer>>> {
  const program = await openRaw(one.graph, machineCompiler(), threads);
  const rng = Pcg64.fromSeed(11);
  program.set({}, one.state(rng));
  for (let update = 0; update < UPDATES; update += 1) {
    for (const [name, values] of Object.entries(one.inputs(rng))) program.inputs[name]?.set(values);
    program.run();
  }
  const arrays = { ...program.outputs, ...program.state };
  const bytes = Object.fromEntries(
    Object.entries(arrays).map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(Buffer.from(buffer, byteOffset, byteLength)),
    ]),
  );
  program.close();
  return bytes;
}

const CASES: readonly (readonly [string, () => Case])[] = [
  ['a ragged SAC update', () => sacCase(RAGGED)],
  ['a tiny SAC update', () => sacCase(TINY)],
  [
    'a SAC update of 256 × 256 with batch 256',
    () => sacCase({ observation: 17, action: 6, hidden: [256, 256], batch: 256 }),
  ],
  ['products', products],
  ['movements', movements],
];

for (const [name, make] of CASES) {
  test(`1, 2, 3 and 5 threads give the same bytes of ${name}, and the same again`, { skip }, async () => {
    const one = make();
    const expected = await bytesOf(one, 1);
    assert.ok(Object.values(expected).some((bytes) => bytes.some((byte) => byte !== 0)));
    for (const threads of [2, 3, 5, 2, 1])
      assert.deepEqual(await bytesOf(one, threads), expected, `${threads} threads`);
  });
}

test('1 to 5 threads give the same bytes of a graph drawn at random, and the right ones', { skip }, async (context) => {
  const seed = freshSeed(context);
  const one = plainCase(randomGraph(Pcg64.fromSeed(seed), 40));
  const expected = await bytesOf(one, 1);
  for (const threads of [2, 3, 4, 5]) assert.deepEqual(await bytesOf(one, threads), expected, `${threads} threads`);
  const program = await openRaw(one.graph, machineCompiler(), 2);
  assertFollowsReference(program, one, seed);
  program.close();
});

test('two programs in two worker threads at once each leave what one alone leaves', { skip }, async () => {
  const alone = await trained(1);
  for (let update = 0; update < 20; update += 1) await alone.run();
  const expected = digest(alone);
  await alone.dispose();
  const results = await Promise.all([2, 2, 1].map(digestInWorker));
  assert.deepEqual(results, [expected, expected, expected]);
});

async function digestInWorker(threads: number): Promise<unknown> {
  const worker = new Worker(new URL('./trainer.js', import.meta.url), { workerData: { mode: 'digest', threads } });
  const [message] = await once(worker, 'message');
  await worker.terminate();
  return message;
}

test('two programs of one library in one thread do not disturb each other, nor does one that ends', {
  skip,
}, async () => {
  const alone = await trained(2);
  for (let update = 0; update < 20; update += 1) await alone.run();
  const expected = digest(alone);
  await alone.dispose();
  const [one, other] = [await trained(2), await trained(3)];
  for (let update = 0; update < 10; update += 1) {
    await one.run();
    await other.run();
    await other.run();
  }
  assert.equal(digest(other), expected);
  await other.dispose();
  for (let update = 10; update < 20; update += 1) await one.run();
  assert.equal(digest(one), expected);
  await one.dispose();
});

// The engine's own library here: on a busy machine its first thread goes on alone when helpers come late, then calls them again.
test('200 updates by more threads than there are cores leave what one thread leaves', { skip }, async () => {
  const digests: string[] = [];
  for (const threads of [1, availableParallelism() + 2]) {
    const program = await trained(threads);
    for (let update = 0; update < 200; update += 1) await program.run();
    digests.push(digest(program));
    await program.dispose();
  }
  assert.equal(digests[1], digests[0]);
});

test('more threads than a team can have are as many as it can, and less than one is refused', { skip }, async () => {
  const many = await ENGINE.compile(sacCase(RAGGED).graph, { threads: 1000 });
  await many.run();
  await many.dispose();
  for (const threads of [0, Number.NaN])
    await assert.rejects(ENGINE.compile(sacCase(RAGGED).graph, { threads }), /threads from 1 to 64/);
});
