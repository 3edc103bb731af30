// A process that runs a program on tfjs-node, in threads that come and go: `node looper.js MODE`. It says `running` after a few calls.
//
// threads: three threads are ended in the middle of their calls, two at once, one ends by itself; then the main thread runs it too, and
// the process ends by itself. exit: exits with 3 while a thread runs. forever: runs in the main thread until it is ended.
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { prepareEnvironment } from '../../../src/compute/process-environment.ts';
import { tfjsNodeEngine } from '../../../src/compute/tensorflow/engine.ts';
import { sacUpdate, spacesOf } from '../../support/sac-graph.ts';

const FEW = 5;

async function loop(calls: number, say: (what: string) => void): Promise<void> {
  const graph = sacUpdate(spacesOf(5, 2), { hidden_sizes: [64, 64], batch_size: 64 });
  const program = await tfjsNodeEngine.compile(graph, { threads: 2 });
  for (let call = 1; call <= calls; call += 1) {
    await program.run();
    if (call === FEW) say('running');
    if (call % 16 === 0) await setImmediate();
  }
}

async function running(calls: number): Promise<Worker> {
  const worker = new Worker(new URL(import.meta.url), { workerData: calls });
  await once(worker, 'message');
  return worker;
}

async function main(mode: string): Promise<void> {
  prepareEnvironment();
  if (mode === 'forever') return loop(Number.POSITIVE_INFINITY, console.log);
  if (mode === 'exit') {
    await running(Number.POSITIVE_INFINITY);
    process.exit(3);
  }
  const [one, other] = await Promise.all([running(Number.POSITIVE_INFINITY), running(Number.POSITIVE_INFINITY)]);
  await one.terminate();
  await other.terminate();
  await (await running(Number.POSITIVE_INFINITY)).terminate();
  await once(await running(FEW), 'exit');
  await loop(FEW, console.log);
}

if (isMainThread) await main(process.argv[2] as string);
else await loop(workerData as number, (what) => parentPort?.postMessage(what));
