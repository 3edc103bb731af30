// A thread or a process that runs a compiled program over and over, for tests of how such a one ends; it loads nothing else, so that
// it can be started often. `node looper.js MODE LIBRARY THREADS`, or a worker with `workerData` { mode, library, threads }. It says
// `running` after a few calls.
//
// forever: until it is ended. exit: ends its thread or process with 3 after 50 calls. handled: on SIGTERM exits with 7 between two
// calls. worker: runs in a thread of its own, and exits with 0 on SIGTERM.
import { setImmediate } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openLibrary } from '../../../src/compute/native/library.ts';

export interface Loop {
  readonly mode: 'forever' | 'exit' | 'handled' | 'worker';
  readonly library: string;
  readonly threads: number;
}

async function loop({ mode, library: path, threads }: Loop, say: (what: string) => void): Promise<void> {
  if (mode === 'worker') {
    const worker = new Worker(new URL(import.meta.url), { workerData: { mode: 'forever', library: path, threads } });
    worker.once('message', say);
    process.once('SIGTERM', () => process.exit(0));
    return;
  }
  const library = openLibrary(path);
  const [handle] = library.open(new ArrayBuffer(library.arenaBytes), threads);
  let ended = false;
  if (mode === 'handled')
    process.once('SIGTERM', () => {
      ended = true;
    });
  for (let call = 1; ; call += 1) {
    library.run(handle);
    if (call === 5) say('running');
    if (mode === 'exit' && call === 50) process.exit(3);
    if (ended) process.exit(7);
    // As a job polls its messages between updates.
    if (call % 16 === 0) await setImmediate();
  }
}

if (isMainThread) {
  const [mode, library, threads] = process.argv.slice(2) as [Loop['mode'], string, string];
  await loop({ mode, library, threads: Number(threads) }, console.log);
} else await loop(workerData, (what) => parentPort?.postMessage(what));
