// The engines `tfjs-node` and `tfjs-node-gpu`: one TensorFlow session a program, whose state stays in the session's variables, on the
// GPU where there is one. A call feeds one vector and fetches one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '../../errors.ts';
import { sizeOf, type Tensors } from '../../math/tensor.ts';
import type { Engine, Program } from '../engine.ts';
import { compileFailure, runFailure } from '../engine-failure.ts';
import type { Graph } from '../graph.ts';
import { optimize } from '../passes/optimize.ts';
import { describeEnvironment } from '../process-environment.ts';
import { copyState, findNonFinite, known, matchState } from '../state.ts';
import { type Addon, loadAddon } from './addon.ts';
import { type LoweredModel, lower, type Packing, type Shaped } from './lower.ts';
import { TAG } from './model.ts';

/** Where an acting program runs: a few rows a call are not worth the way to the GPU. */
const CPU = '/device:CPU:0';

export const tfjsNodeEngine = tensorflowEngine('tfjs-node');
export const tfjsNodeGpuEngine = tensorflowEngine('tfjs-node-gpu');

type Name = 'tfjs-node' | 'tfjs-node-gpu';

function tensorflowEngine(name: Name): Engine {
  return {
    name,
    async compile(graph, options) {
      const { addon, version } = loadAddon(`@tensorflow/${name}`);
      // Without CUDA it computes on the processor and does not say so.
      if (name === 'tfjs-node-gpu' && !addon.isUsingGpuDevice())
        throw new DomainError('engine_not_available', `@tensorflow/${name} ${version} loads but found no GPU.`);
      const model = lower(optimize(graph), options.acts === true ? CPU : null, options.tables);
      options.dump?.({ stage: 'tensorflow', extension: 'pb', content: model.bytes });
      const identity = `${name} ${version} ${addon.TF_Version} ${describeEnvironment()}`;
      const loaded = await load(name, addon, model.bytes);
      try {
        return new TensorflowProgram(graph, model, addon, loaded, { name, identity });
      } catch (thrown) {
        // Nobody has the program that would dispose it.
        addon.deleteSavedModel(loaded);
        throw thrown;
      }
    },
  };
}

/** The number of the loaded model. Its folder is gone by then: all of it is in memory. */
async function load(name: Name, addon: Addon, bytes: Uint8Array): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'gymserve-tensorflow-'));
  try {
    await writeFile(join(directory, 'saved_model.pb'), bytes);
    return loadSavedModel(name, addon, directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function loadSavedModel(name: Name, addon: Addon, directory: string): number {
  try {
    return addon.loadSavedModel(directory, TAG);
  } catch (thrown) {
    throw compileFailure({ name, why: firstLine(thrown), cause: thrown });
  }
}

const firstLine = (thrown: unknown): string => (thrown as Error).message.split('\n')[0] ?? '';

/** A node and what it is fed with. */
type Feed = readonly [node: string, shape: readonly number[], data: Float32Array | Int32Array];

const NO_ROWS: { readonly first: number; readonly rows: Float32Array } = { first: 0, rows: new Float32Array(0) };

class TensorflowProgram implements Program {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly identity: string;
  readonly #graph: Graph;
  readonly #model: LoweredModel;
  readonly #addon: Addon;
  readonly #loaded: number;
  readonly #name: Name;
  /** What `inputs` and `outputs` are views of. */
  readonly #input: Float32Array;
  readonly #output: Float32Array;
  /** For the tables, with the next call. */
  #waiting = NO_ROWS;

  constructor(
    graph: Graph,
    model: LoweredModel,
    addon: Addon,
    loaded: number,
    { name, identity }: { readonly name: Name; readonly identity: string },
  ) {
    this.#name = name;
    this.identity = identity;
    this.#graph = graph;
    this.#model = model;
    this.#addon = addon;
    this.#loaded = loaded;
    this.#input = new Float32Array(model.inputs.length);
    this.#output = new Float32Array(model.outputs.length);
    this.inputs = views(model.fed, model.inputs, this.#input);
    this.outputs = views(graph.outputs, model.outputs, this.#output);
    // A variable has no value until it is given one.
    this.#write(
      [...graph.state].map(([name, { before }]) => [name, before.shape, new Float32Array(sizeOf(before.shape))]),
    );
    if (model.tables !== undefined) this.#call([], [model.tables.made]);
  }

  async run(): Promise<void> {
    const { input, output } = this.#model;
    const given: Feed[] = input === undefined ? [] : [[input, [this.#input.length], this.#input]];
    const [result] = this.#call([...given, ...this.#takeRows()], [output]);
    this.#output.set(result as Float32Array);
  }

  putRows(first: number, rows: Float32Array): void {
    const { tables } = this.#model;
    if (tables === undefined) throw new RangeError('The program was compiled without tables.');
    if (rows.length % tables.width !== 0)
      throw new RangeError(`${rows.length} numbers are no rows of ${tables.width}.`);
    // A call takes one run of rows: of several, all but the last have one of their own.
    if (this.#waiting.rows.length > 0) this.#call(this.#takeRows(), [tables.written]);
    this.#waiting = { first, rows };
  }

  #takeRows(): Feed[] {
    const { tables } = this.#model;
    if (tables === undefined) return [];
    const { first, rows } = this.#waiting;
    this.#waiting = NO_ROWS;
    const count = rows.length / tables.width;
    return [
      [tables.place, [2], Int32Array.of(first, first + count)],
      [tables.rows, [count, tables.width], rows],
    ];
  }

  nonFinite(): readonly string[] {
    return findNonFinite(this.outputs, () => this.#read([...this.#graph.state.keys()]));
  }

  peek(name: string): Float32Array {
    known(name, this.#graph.state.get(name));
    return this.#read([name])[name] as Float32Array;
  }

  getState(): Tensors {
    const state = this.#read([...this.#graph.state.keys()]);
    return copyState(this.#graph, (name) => state[name] as Float32Array);
  }

  setState(state: Tensors): void {
    this.#write([...matchState(this.#graph, state)].map(([name, { shape, data }]) => [name, shape, data]));
  }

  async dispose(): Promise<void> {
    this.#addon.deleteSavedModel(this.#loaded);
  }

  #read(names: readonly string[]): Record<string, Float32Array> {
    const values = this.#call(
      [],
      names.map((name) => this.#model.state.get(name)?.read as string),
    );
    return Object.fromEntries(names.map((name, index) => [name, values[index] as Float32Array]));
  }

  #write(values: readonly (readonly [string, readonly number[], Float32Array])[]): void {
    const feeds = values.map(([name, ...tensor]) => [this.#model.state.get(name)?.write as string, ...tensor] as const);
    this.#call(feeds, [this.#model.written]);
  }

  /** What the nodes `fetches` give once the nodes of `feeds` are given their values. */
  #call(feeds: readonly Feed[], fetches: readonly string[]): readonly Float32Array[] {
    if (fetches.length === 0) return [];
    const addon = this.#addon;
    const named = (nodes: readonly string[]): string => nodes.map((node) => `${node}:0`).join(',');
    const tensors: number[] = [];
    try {
      for (const [, shape, data] of feeds) {
        const type = data instanceof Int32Array ? addon.TF_INT32 : addon.TF_FLOAT;
        tensors.push(addon.createTensor(shape, type, data));
      }
      const results = addon.runSavedModel(this.#loaded, tensors, named(feeds.map(([node]) => node)), named(fetches));
      tensors.push(...results.map(({ id }) => id));
      return results.map(({ id }) => addon.tensorDataSync(id));
    } catch (thrown) {
      throw runFailure({ name: this.#name, why: firstLine(thrown), cause: thrown });
    } finally {
      for (const tensor of tensors) addon.deleteTensor(tensor);
    }
  }
}

function views(arrays: Shaped, { offsets }: Packing, whole: Float32Array): Record<string, Float32Array> {
  return Object.fromEntries(
    [...arrays].map(([name, { shape }]) => {
      const offset = offsets.get(name) as number;
      return [name, whole.subarray(offset, offset + sizeOf(shape))];
    }),
  );
}
