// The engines that this build knows, and whether they work on this machine. An engine is said to be available only after a small
// program on it matched the float64 reference here, in this process.
import * as tf from '@tensorflow/tfjs-core';
import { DomainError } from '../errors.ts';
import type { Engine, EngineName } from './engine.ts';
import type { Graph } from './graph.ts';
import { onnxCpuEngine } from './onnx/engine.ts';
import { referenceEngine } from './reference/engine.ts';
import { trace } from './trace/trace.ts';

export interface EngineInfo {
  readonly name: EngineName;
  readonly summary: string;
  readonly available: boolean;
  /** Why it is not available; null where it is. */
  readonly reason: string | null;
}

interface Entry {
  readonly engine: Engine;
  readonly summary: string;
  /** How to get it where it does not work. */
  readonly remedy: string;
}

const ENTRIES: Readonly<Record<EngineName, Entry>> = {
  'onnx-cpu': {
    engine: onnxCpuEngine,
    summary: 'The program as one ONNX graph, run by onnxruntime on the CPU.',
    remedy: 'Install onnxruntime-node for this platform: `npm install onnxruntime-node --ignore-scripts`.',
  },
  reference: {
    engine: referenceEngine,
    summary: 'A float64 interpreter: hundreds of times slower, for checks only.',
    remedy: 'It is part of the server and always works.',
  },
};

/** What `auto` tries, in this order. */
const AUTO: readonly EngineName[] = ['onnx-cpu'];

/** Every engine of this build, each checked once a process. */
export function engines(): Promise<readonly EngineInfo[]> {
  return Promise.all(Object.keys(ENTRIES).map((name) => info(name as EngineName)));
}

/** The engine called `name`, or for `auto` the first that works. Throws `engine_not_available` that says how to get it. */
export async function findEngine(name: string): Promise<Engine> {
  const candidates = name === 'auto' ? AUTO : [name as EngineName];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const entry = Object.hasOwn(ENTRIES, candidate) ? ENTRIES[candidate] : undefined;
    if (entry === undefined) {
      throw new DomainError(
        'engine_not_available',
        `There is no engine "${name}"; there are: auto, ${Object.keys(ENTRIES).join(', ')}.`,
      );
    }
    const { available, reason } = await info(candidate);
    if (available) return entry.engine;
    reasons.push(`The engine "${candidate}" does not work here: ${reason} ${entry.remedy}`);
  }
  throw new DomainError('engine_not_available', reasons.join(' '));
}

const checked = new Map<EngineName, Promise<EngineInfo>>();

function info(name: EngineName): Promise<EngineInfo> {
  const known = checked.get(name);
  if (known !== undefined) return known;
  const { engine, summary } = ENTRIES[name];
  const result = selfTest(engine).then((reason) => ({ name, summary, available: reason === null, reason }));
  checked.set(name, result);
  return result;
}

/** Why `engine` does not reproduce the reference on a small update, or null where it does. */
export async function selfTest(engine: Engine): Promise<string | null> {
  try {
    const [actual, expected] = await Promise.all([runProbe(engine), runProbe(referenceEngine)]);
    // Three steps of float32 with sums of five terms stay within 1e-6; 1e-4 separates a wrong program from a rounded one.
    const worst = Math.max(...expected.map((value, index) => Math.abs(value - (actual[index] ?? Number.NaN))));
    return worst < 1e-4 ? null : `its results differ from the reference by ${worst}.`;
  } catch (thrown) {
    return `${(thrown as Error).message.split('\n')[0]}.`;
  }
}

/** Three steps of gradient descent on a small network: products, a bias, a gradient, state that must carry over. */
async function runProbe(engine: Engine): Promise<number[]> {
  const program = await engine.compile(probe(), { threads: 1 });
  const wave = (array: Float32Array, scale: number): void =>
    array.set(Float32Array.from(array, (_, index) => scale * Math.sin(index + 1)));
  const state = program.getState();
  for (const { data } of Object.values(state)) wave(data as Float32Array, 0.5);
  program.setState(state);
  wave(program.inputs['x'] as Float32Array, 1);
  for (let step = 0; step < 3; step += 1) await program.run();
  const results = [...(program.outputs['loss'] as Float32Array), ...program.peek('w'), ...program.peek('b')];
  await program.dispose();
  return results;
}

function probe(): Graph {
  return trace(
    ({ w, b }, { x }) => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.tanh(tf.relu(tf.add(tf.matMul(x, w), b))))) as tf.Scalar,
        [w, b],
      );
      for (const variable of [w, b]) variable.assign(tf.sub(variable, tf.mul(grads[variable.name] as tf.Tensor, 0.1)));
      return { loss: value };
    },
    { state: { w: [3, 4], b: [4] }, inputs: { x: [5, 3] } },
  );
}
