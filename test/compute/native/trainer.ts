// Programs in the middle of training, for tests that need real ones; and, as `node trainer.js MODE THREADS` or a worker with
// `workerData` { mode, threads }, such a program in a process or thread of its own.
//
// digest: makes 20 updates and says what they left. forget: makes programs, runs each once and never disposes them; says what is left
// of them then. Needs --expose-gc. What only runs, until it is ended, is looper.ts.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Program } from '../../../src/compute/engine.ts';
import { nativeEngine } from '../../../src/compute/native/engine.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { ENGINE_SETTINGS } from '../../support/engine-settings.ts';
import { RAGGED, sacCase } from './cases.ts';

type Mode = 'digest' | 'forget';

const CASE = sacCase(RAGGED);

/** Threads of this process that the system knows; only Linux lists them. */
export const threadCount = (): number => readdirSync('/proc/self/task').length;

export const ENGINE = nativeEngine({
  cacheDirectory: ENGINE_SETTINGS.cacheDirectory,
  compiler: ENGINE_SETTINGS.compiler === 'auto' ? null : ENGINE_SETTINGS.compiler,
});

/** A program in the middle of training. */
export async function trained(threads: number): Promise<Program> {
  const program = await ENGINE.compile(CASE.graph, { threads });
  const rng = Pcg64.fromSeed(1);
  const state = CASE.state(rng);
  program.setState(
    Object.fromEntries(
      Object.entries(program.getState()).map(([name, { shape }]) => [
        name,
        { shape, data: Float32Array.from(state[name] as Float64Array) },
      ]),
    ),
  );
  for (const [name, values] of Object.entries(CASE.inputs(rng))) program.inputs[name]?.set(values);
  return program;
}

export function digest(program: Program): string {
  const hash = createHash('sha256');
  for (const { data } of Object.values(program.getState())) hash.update(data as Float32Array);
  for (const data of Object.values(program.outputs)) hash.update(data);
  return hash.digest('hex');
}

async function run(mode: Mode, threads: number): Promise<unknown> {
  if (mode === 'forget') return forget(threads);
  const program = await trained(threads);
  for (let update = 0; update < 20; update += 1) await program.run();
  return digest(program);
}

async function forget(threads: number) {
  const collect = (globalThis as { gc?: () => void }).gc as () => void;
  await trained(1);
  collect();
  const before = { threads: threadCount(), bytes: process.memoryUsage().arrayBuffers };
  for (let count = 0; count < 10; count += 1) await (await trained(threads)).run();
  for (let turn = 0; turn < 5; turn += 1) {
    collect();
    // Finalizers run between turns of the event loop.
    await setImmediate();
  }
  return { threads: threadCount() - before.threads, bytes: process.memoryUsage().arrayBuffers - before.bytes };
}

if (!isMainThread && workerData?.mode !== undefined)
  parentPort?.postMessage(await run(workerData.mode, workerData.threads));
else if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await run(process.argv[2] as Mode, Number(process.argv[3]))));
