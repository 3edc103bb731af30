// The engines that this build knows, and whether they work on this machine. An engine is said to be available only after a small
// program on it matched the float64 reference here: in this thread, or in a child process where the engine could crash its own.
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { DomainError } from '../errors.ts';
import { checkInChild } from './child-check.ts';
import { dumping } from './dump.ts';
import type { Engine, EngineName } from './engine.ts';
import { isAboutMemory } from './engine-failure.ts';
import type { Graph } from './graph.ts';
import { nativeEngine } from './native/engine.ts';
import { cudaAbsent } from './onnx/cuda.ts';
import { onnxCpuEngine, onnxCudaEngine, onnxWebgpuEngine } from './onnx/engine.ts';
import { referenceEngine } from './reference/engine.ts';
import { absentAddon } from './tensorflow/addon.ts';
import { tfjsNodeEngine, tfjsNodeGpuEngine } from './tensorflow/engine.ts';
import { tfjsCpuEngine, tfjsWasmEngine } from './tfjs/engine.ts';
import { trace } from './trace/trace.ts';

export interface EngineInfo {
  readonly name: EngineName;
  readonly summary: string;
  readonly available: boolean;
  /** Why it is not available; null where it is. */
  readonly reason: string | null;
  /** How to get it; null where it is available. */
  readonly remedy: string | null;
}

/** What the operator decides about engines; plain data, so that every thread can be given it. */
export interface EngineSettings {
  /** The C compiler of the native engine: a command, `auto` for the first that works, or `off`. */
  readonly compiler: string;
  /** Where compiled programs are kept. */
  readonly cacheDirectory: string;
  /** Where every program is written, stage by stage, for a person to read; null = nowhere. */
  readonly dumpDirectory: string | null;
}

interface Entry {
  readonly engine: Engine;
  readonly summary: string;
  /** How to get it where it does not work. */
  readonly remedy: string;
  /** It could end its process, or never come back: it is checked in a process of its own. */
  readonly isolated?: true;
  /** For an isolated engine: why there is nothing to check, or null; told without loading anything. */
  readonly absent?: () => string | null;
}

/** What `auto` tries, in this order. Acting is worth no compilation: a request would wait for it, and then be answered as fast as by the other. */
const AUTO: Readonly<Record<'train' | 'act', readonly EngineName[]>> = {
  train: ['native', 'onnx-cpu'],
  act: ['onnx-cpu', 'native'],
};

export class Engines {
  readonly #settings: EngineSettings;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #checked = new Map<EngineName, Promise<EngineInfo>>();

  constructor(settings: EngineSettings) {
    this.#settings = settings;
    const { compiler, cacheDirectory } = settings;
    const native =
      compiler === 'off'
        ? unavailableEngine('native', 'it was turned off with --cc off (GYMSERVE_CC).')
        : nativeEngine({ cacheDirectory, compiler: compiler === 'auto' ? null : compiler });
    const entries: readonly Entry[] = [
      {
        engine: native,
        summary: 'The program as C, compiled for this very processor: the fastest.',
        remedy:
          'It needs a C compiler (Debian and Ubuntu: `apt-get install gcc libc6-dev`), named by --cc where it is not cc, gcc or clang, and a cache directory whose files may be executed; the engine "onnx-cpu" needs neither.',
      },
      {
        engine: onnxCpuEngine,
        summary: 'The program as one ONNX graph, run by onnxruntime on the CPU.',
        remedy: 'Install onnxruntime-node for this platform: `npm install onnxruntime-node --ignore-scripts`.',
      },
      {
        engine: onnxWebgpuEngine,
        summary: 'The same graph on any GPU, through its Vulkan, Metal or Direct3D 12 driver; acting stays on the CPU.',
        remedy:
          'It needs a GPU and its driver; on Linux a Vulkan one, and its loader (Debian and Ubuntu: `apt-get install libvulkan1`; `vulkaninfo --summary` from vulkan-tools lists what it finds).',
        isolated: true,
      },
      {
        engine: onnxCudaEngine,
        summary: 'The same graph on an NVIDIA GPU, by CUDA; acting stays on the CPU.',
        remedy:
          'It needs an NVIDIA GPU with its driver, CUDA 12 and cuDNN 9, and on Linux the libraries that `node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12` fetches.',
        isolated: true,
        absent: cudaAbsent,
      },
      {
        engine: tfjsNodeEngine,
        summary: 'The program as one TensorFlow graph on the CPU, run by the addon of @tensorflow/tfjs-node.',
        remedy:
          'On Linux `bash scripts/build-tfjs-node.sh` builds it; elsewhere `npm install @tensorflow/tfjs-node@4.22.0 --ignore-scripts=false` fetches it built.',
        isolated: true,
        absent: () => absentAddon('@tensorflow/tfjs-node'),
      },
      {
        engine: tfjsNodeGpuEngine,
        summary:
          'The same graph on an NVIDIA GPU, which keeps its state, run by the addon of @tensorflow/tfjs-node-gpu.',
        remedy:
          '`npm run setup:gpu` installs it and says what it found; it needs an NVIDIA GPU with its driver, CUDA 11 and cuDNN 8: see Dockerfile, target gpu.',
        isolated: true,
        absent: () => absentAddon('@tensorflow/tfjs-node-gpu'),
      },
      {
        engine: tfjsWasmEngine,
        summary:
          "tfjs's own kernels on its WebAssembly backend, one by one, on one thread: for machines with nothing else.",
        remedy: 'Install it: `npm install @tensorflow/tfjs-backend-wasm`.',
      },
      {
        engine: tfjsCpuEngine,
        summary: "tfjs's own kernels on its CPU backend, one by one: for comparison.",
        remedy: 'Install it: `npm install @tensorflow/tfjs-backend-cpu`.',
      },
      {
        engine: referenceEngine,
        summary: 'A float64 interpreter: hundreds of times slower, for checks only.',
        remedy: 'It is part of the server and always works.',
      },
    ];
    this.#entries = new Map(entries.map((entry) => [entry.engine.name, entry] as const));
  }

  /** Every engine of this build, each checked once: a small update on it must match the float64 reference. */
  async list(): Promise<readonly EngineInfo[]> {
    const infos: EngineInfo[] = [];
    // Those in processes of their own all at once, while this thread checks the others.
    for (const entry of this.#entries.values()) if (entry.isolated) void this.#check(entry);
    for (const entry of this.#entries.values()) {
      // One after the other, with the thread's other work between: each keeps it for up to some 40 ms the first time.
      await setImmediate();
      infos.push(await this.#check(entry));
    }
    return infos;
  }

  /** The engine called `name`, or for `auto` the first that works. Throws `engine_not_available` that says how to get it. */
  async find(name: string, purpose: keyof typeof AUTO = 'train'): Promise<Engine> {
    const reasons: string[] = [];
    for (const candidate of name === 'auto' ? AUTO[purpose] : [name]) {
      const entry = this.#entries.get(candidate);
      if (entry === undefined) {
        const known = ['auto', ...this.#entries.keys()].join(', ');
        throw new DomainError('engine_not_available', `There is no engine "${name}"; there are: ${known}.`);
      }
      const { available, reason } = await this.#check(entry);
      if (available) return this.#ready(entry);
      reasons.push(`The engine "${candidate}" does not work here: ${reason} ${entry.remedy}`);
    }
    // What a check found stands until the server ends.
    throw new DomainError('engine_not_available', `${reasons.join(' ')} Then restart the server.`);
  }

  #ready({ engine, remedy }: Entry): Engine {
    const { dumpDirectory } = this.#settings;
    const ready = explaining(engine, remedy);
    return dumpDirectory === null ? ready : dumping(ready, dumpDirectory);
  }

  /** Why the engine called `name` does not work, found out in this very thread; null where it does. For `check-engine.ts`. */
  async checkHere(name: string): Promise<string | null> {
    const entry = this.#entries.get(name);
    return entry === undefined ? `there is no engine "${name}".` : selfTest(entry.engine);
  }

  #check(entry: Entry): Promise<EngineInfo> {
    const { engine, summary, remedy } = entry;
    const { name } = engine;
    const known = this.#checked.get(name);
    if (known !== undefined) return known;
    const result = this.#reason(entry).then((reason) => {
      const available = reason === null;
      return { name, summary, available, reason, remedy: available ? null : remedy };
    });
    this.#checked.set(name, result);
    return result;
  }

  async #reason({ engine, isolated, absent }: Entry): Promise<string | null> {
    if (isolated !== true) return selfTest(engine);
    return absent?.() ?? checkInChild(engine.name, this.#settings);
  }
}

function unavailableEngine(name: EngineName, reason: string): Engine {
  return {
    name,
    compile: async () => {
      throw new DomainError('engine_not_available', reason);
    },
  };
}

/** The engine as it is handed out; what it cannot compile, though it worked when it was checked, it refuses with what helps. */
export function explaining(engine: Engine, remedy: string): Engine {
  const { name } = engine;
  return {
    name,
    compile: (graph, options) =>
      engine.compile(graph, options).catch((thrown: unknown) => {
        if (!(thrown instanceof DomainError) || thrown.code !== 'engine_not_available') throw thrown;
        if (isAboutMemory(thrown)) throw thrown;
        const reason = thrown.message.replace(/\.?$/, '.');
        const detail = `The engine "${name}" could not compile a program: ${reason} ${remedy}`;
        throw new DomainError(thrown.code, detail, { cause: thrown });
      }),
  };
}

/** Why `engine` does not reproduce the reference on a small update, or null where it does. */
export async function selfTest(engine: Engine): Promise<string | null> {
  try {
    const [actual, expected] = await Promise.all([runProbe(engine), runProbe(referenceEngine)]);
    // Three steps of float32 with sums of five terms stay within 1e-6; 1e-4 separates a wrong program from a rounded one.
    const worst = Math.max(...expected.map((value, index) => Math.abs(value - (actual[index] ?? Number.NaN))));
    return worst < 1e-4 ? null : `its results differ from the reference by ${worst}.`;
  } catch (thrown) {
    return `${(thrown as Error).message.split('\n')[0]}`.replace(/\.?$/, '.');
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
