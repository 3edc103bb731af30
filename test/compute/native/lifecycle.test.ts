// How native programs end, and how processes and threads end that run them: helpers are joined before their code is unloaded.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { movements, RAGGED, sacCase } from './cases.ts';
import type { Loop } from './looper.ts';
import { libraryOf, machineCompiler, skip } from './machine.ts';
import { ENGINE, threadCount, trained } from './trainer.ts';

const LOOPER = new URL('./looper.js', import.meta.url);
const TRAINER = fileURLToPath(new URL('./trainer.js', import.meta.url));
/** Times that an end is tried: a helper is at another place each time. */
const ROUNDS = 20;
const THREADS = 3;
/** What an end may take on a machine with more threads than cores; a hang is forever. */
const END_LIMIT_MS = 20_000;

const linux = skip || (existsSync('/proc/self/task') ? false : 'only Linux lists the threads of a process.');

const library = skip === false ? await libraryOf(sacCase(RAGGED).graph, machineCompiler()) : '';

function workerThat(mode: Loop['mode']): Worker {
  return new Worker(LOOPER, { workerData: { mode, library, threads: THREADS } satisfies Loop });
}

/** No more threads than `most`. One that was joined stays listed for a moment, until the system has cleared it away. */
async function threadsEnd(most: number): Promise<void> {
  const until = performance.now() + 5000;
  while (threadCount() > most && performance.now() < until) await setTimeout(1);
  assert.ok(threadCount() <= most, `${threadCount()} threads, ${most} before`);
}

test(`a worker that trains can be terminated at any time, ${ROUNDS} times`, { skip: linux }, async () => {
  // The first worker of a process makes Node start threads of its own.
  await once(workerThat('exit'), 'exit');
  const before = threadCount();
  for (let round = 0; round < ROUNDS; round += 1) {
    const worker = workerThat('forever');
    await once(worker, 'message');
    assert.equal(await worker.terminate(), 1);
  }
  await threadsEnd(before);
});

test('a worker that ends itself in the middle of training ends', { skip: linux }, async () => {
  const before = threadCount();
  for (let round = 0; round < 5; round += 1) {
    const [code] = await once(workerThat('exit'), 'exit');
    assert.equal(code, 3);
  }
  await threadsEnd(before);
});

/** How a process that trains ends after SIGTERM, `delayMs` after it began to. */
async function endOf(mode: Loop['mode'], delayMs: number): Promise<readonly [number | null, string | null]> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(LOOPER), mode, library, `${THREADS}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const limit = AbortSignal.timeout(END_LIMIT_MS);
  limit.onabort = () => child.kill('SIGKILL');
  const exit = once(child, 'exit');
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  // Not a wait for something: the signal is to find the program at different places.
  await setTimeout(delayMs);
  child.kill('SIGTERM');
  const [code, signal] = (await exit) as [number | null, string | null];
  return [code, signal];
}

for (const { mode, end, rounds, sentence } of [
  { mode: 'forever', end: [null, 'SIGTERM'], rounds: ROUNDS, sentence: 'is ended by SIGTERM' },
  { mode: 'handled', end: [7, null], rounds: ROUNDS / 2, sentence: 'exits from its handler of SIGTERM' },
  { mode: 'worker', end: [0, null], rounds: ROUNDS / 2, sentence: 'exits on SIGTERM while its worker trains' },
] as const) {
  test(`a process that trains ${sentence}, ${rounds} times`, { skip }, async () => {
    for (let round = 0; round < rounds; round += 1)
      assert.deepEqual(await endOf(mode, round % 7), end, `round ${round}`);
  });
}

test('a process that never disposes its program ends by itself', { skip }, async () => {
  const child = spawn(process.execPath, [TRAINER, 'digest', `${THREADS}`], { stdio: 'ignore' });
  const limit = AbortSignal.timeout(END_LIMIT_MS);
  limit.onabort = () => child.kill('SIGKILL');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('disposing twice is harmless, and what comes after says that the program was disposed', { skip }, async () => {
  const program = await trained(2);
  await program.run();
  const state = program.getState();
  await program.dispose();
  await program.dispose();
  await assert.rejects(program.run(), /was disposed/);
  assert.throws(() => program.setState(state), /was disposed/);
  await program.dispose();
});

test('a program that is disposed takes its threads with it', { skip: linux }, async () => {
  const { graph } = movements();
  await (await ENGINE.compile(graph, { threads: 1 })).dispose();
  const before = threadCount();
  for (let round = 0; round < 50; round += 1) {
    const program = await ENGINE.compile(graph, { threads: 4 });
    if (round === 0) assert.equal(threadCount(), before + 3);
    // Some are disposed while their helpers have not worked yet, or are asleep.
    if (round % 2 === 0) await program.run();
    await program.dispose();
    await threadsEnd(before);
  }
});

test('programs that are forgotten are collected, with their threads and memory', { skip: linux }, async () => {
  const child = spawn(process.execPath, ['--expose-gc', TRAINER, 'forget', '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await once(child.stdout, 'data');
  const { threads, bytes } = JSON.parse(`${text}`) as { threads: number; bytes: number };
  await once(child, 'exit');
  // The last one may still be on the stack: two helpers and one arena of 250 kB, not ten times that.
  assert.ok(threads <= 2, `${threads} threads are left of 20`);
  assert.ok(bytes < 1e6, `${bytes} bytes are left`);
});

test('2,000 updates leave the memory of the process as it was', { skip }, async (context) => {
  const program = await trained(2);
  for (let update = 0; update < 200; update += 1) await program.run();
  const before = process.memoryUsage.rss();
  for (let update = 0; update < 2000; update += 1) await program.run();
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  context.diagnostic(`${grown.toFixed(1)} MB more`);
  // V8 takes a few MB more or less as it likes; 10 kB an update would show.
  assert.ok(Math.abs(grown) < 20, `${grown} MB`);
  await program.dispose();
});
