// What compiling an update is worth on TensorFlow: one SAC update (v1, the form of 2018, alone) as one graph on `tfjs-node`, the same plain tfjs
// function eagerly on the same library, and `onnx-cpu`, by turns in one run. Needs scripts/build-tfjs-node.sh.
// node dist/bench/tfjs-node.js [--json] [--threads 2] [--hidden 256] [--batch 256] [--blocks 15]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { readFlags } from '../scripts/flags.ts';
import { Engines } from '../src/compute/engines.ts';
import { registerGradients } from '../src/compute/trace/gradients.ts';
import { trace } from '../src/compute/trace/trace.ts';
import { loadConfig } from '../src/config.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { drawFor, type Runnable, updateOf } from '../test/compute/programs/program.ts';
import { PROGRAMS } from '../test/compute/programs/programs.ts';
import { setAll } from '../test/compute/support.ts';

const BLOCK_MS = 400;
/** HalfCheetah-v5's. */
const SPACES = { observation: 17, action: 6 };

/** Milliseconds of one update, over one block. */
type Block = () => Promise<number>;

const values = readFlags({
  json: { type: 'boolean', default: false },
  threads: { type: 'string', default: '2' },
  hidden: { type: 'string', default: '256' },
  batch: { type: 'string', default: '256' },
  blocks: { type: 'string', default: '15' },
  eager: { type: 'boolean', default: false },
});

function update() {
  const algorithm = PROGRAMS.find(({ name }) => name === 'SAC v1');
  if (algorithm === undefined) throw new Error('There is no program "SAC v1".');
  const made = algorithm.make({ ...SPACES, batch: Number(values.batch), hidden: Number(values.hidden) });
  const runnable = updateOf(made);
  return { runnable, ...drawFor(made, runnable, Pcg64.fromSeed(3)) };
}

async function timed(call: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  let calls = 0;
  for (; performance.now() - begun < BLOCK_MS; calls += 1) await call();
  return (performance.now() - begun) / calls;
}

async function compiled(engine: string): Promise<Block> {
  const { runnable, inputs, state } = update();
  const graph = trace(runnable.program, runnable.signature);
  const found = await new Engines(loadConfig([]).engines).find(engine);
  const program = await found.compile(graph, { threads: Number(values.threads) });
  setAll(program, graph, inputs, state);
  for (let call = 0; call < 5; call += 1) await program.run();
  return () => timed(() => program.run());
}

/** In a process of its own, with the threads that TensorFlow takes by itself: our engine's settings are not its. */
async function eager(): Promise<Block> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--eager'], {
    env: withoutTensorflow(),
  });
  process.once('exit', () => child.kill());
  await once(child, 'message');
  return async () => {
    child.send('block');
    const [milliseconds] = (await once(child, 'message')) as [number];
    return milliseconds;
  };
}

const withoutTensorflow = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TF_NUM_')));

/** The child's side of it. */
async function serveEager(): Promise<void> {
  // Gone since Node 23; the package still calls it.
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  createRequire(import.meta.url)('../../node_modules/.tfjs-node/node_modules/@tensorflow/tfjs-node');
  registerGradients();
  await tf.setBackend('tensorflow');
  const { runnable, inputs, state } = update();
  const variables = tensors(runnable.signature.state, state, (tensor, name) => tf.variable(tensor, true, name));
  const call = async (): Promise<void> =>
    tf.tidy(() => {
      const given = tensors(runnable.signature.inputs, inputs, (tensor) => tensor);
      for (const loss of Object.values(runnable.program(variables, given))) loss.dataSync();
    });
  for (let warm = 0; warm < 5; warm += 1) await call();
  process.on('message', () => void timed(call).then((milliseconds) => process.send?.(milliseconds)));
  process.send?.('ready');
}

function tensors<T extends tf.Tensor>(
  shapes: Runnable['signature']['state'],
  numbers: Readonly<Record<string, Float64Array>>,
  make: (tensor: tf.Tensor, name: string) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      make(tf.tensor(Float32Array.from(numbers[name] as Float64Array), [...shape]), name),
    ]),
  );
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const round = (value: number): number => Number(value.toPrecision(4));

async function compare(): Promise<void> {
  const contenders = [
    { name: 'tfjs-node', block: await compiled('tfjs-node'), times: [] as number[] },
    { name: 'tfjs-node, eager', block: await eager(), times: [] as number[] },
    { name: 'onnx-cpu', block: await compiled('onnx-cpu'), times: [] as number[] },
  ];
  for (let turn = 0; turn < Number(values.blocks); turn += 1)
    for (const { block, times } of contenders) times.push(await block());
  const [first] = contenders;
  for (const { name, times } of contenders) {
    // Of one turn, whose blocks saw much the same machine.
    const speedup = median(times.map((time, turn) => time / (first?.times[turn] as number)));
    const ms = median(times);
    const row = {
      what: name,
      variant: 'v1',
      threads: Number(values.threads),
      updates_per_s: round(1000 / ms),
      ms_per_update: round(ms),
      compiled_is_faster: round(speedup),
    };
    console.log(
      values.json
        ? JSON.stringify(row)
        : `${name.padEnd(18)} ${row.updates_per_s} updates/s, 1/${row.compiled_is_faster} of tfjs-node`,
    );
  }
  process.exit();
}

await (values.eager ? serveEager() : compare());
