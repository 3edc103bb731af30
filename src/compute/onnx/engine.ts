// The engines `onnx-cpu`, `onnx-webgpu` and `onnx-cuda`: one onnxruntime session a program. State goes in and out of every call, in two
// sets of arrays that swap. On a GPU too: docs/engines.md says why it cannot stay there.
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { sizeOf, type Tensors } from '../../math/tensor.ts';
import type { CompileOptions, Engine, Program } from '../engine.ts';
import { compileFailure, isAboutMemory, runFailure } from '../engine-failure.ts';
import type { Graph, Node } from '../graph.ts';
import { optimize } from '../passes/optimize.ts';
import { describePrecision, prepareEnvironment } from '../process-environment.ts';
import { arraysFor, copyState, findNonFinite, known, matchState } from '../state.ts';
import { type LoweredModel, lower } from './lower.ts';

type Provider = 'cpu' | 'webgpu' | 'cuda';

export const onnxCpuEngine = onnxEngine('cpu');
export const onnxWebgpuEngine = onnxEngine('webgpu');
export const onnxCudaEngine = onnxEngine('cuda');

function onnxEngine(own: Provider): Engine {
  return {
    name: `onnx-${own}`,
    async compile(graph, options) {
      const provider = options.acts === true ? 'cpu' : own;
      const name = `onnx-${provider}` as const;
      prepareEnvironment();
      // Loaded when first needed: a machine without the native binding can still start and say so.
      const ort = await import('onnxruntime-node');
      const model = lower(optimize(graph));
      options.dump?.({ stage: 'onnx', extension: 'onnx', content: model.bytes });
      const session = await ort.InferenceSession.create(model.bytes, sessionOptions(provider, options)).catch(
        (thrown: unknown) => {
          const failure = compileFailure({ name, why: plain(thrown), cause: thrown });
          // The processor is always there: what it refuses for another reason is a mistake in the model.
          throw provider === 'cpu' && !isAboutMemory(failure) ? thrown : failure;
        },
      );
      // Threads belong to it: onnxruntime cuts a product by their number, and rounds otherwise then.
      const precision = provider === 'cuda' ? ` ${describePrecision()}` : '';
      const identity = `${name} ${ort.env.versions.common} ${options.threads}${precision}`;
      return new OnnxProgram(graph, model, session, ort.Tensor as unknown as TensorMaker, { name, identity });
    },
  };
}

function sessionOptions(provider: Provider, { threads }: CompileOptions): InferenceSession.SessionOptions {
  return {
    // No other behind it: what asked for a GPU is not to be computed elsewhere without a word.
    executionProviders: [provider],
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Errors only: onnxruntime warns of graphs that it simplified.
    logSeverityLevel: 3,
    // A helper thread that spins between two operations gave 135 updates/s for 128 where little else ran, and 43 for 113 with one of
    // the two cores busy: it burns the time slice in which it is needed. Environments and other jobs share the cores, so: off.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** What onnxruntime said, without the place in its source that it begins with. */
function plain(thrown: unknown): string {
  const [line = ''] = (thrown as Error).message.split('\n');
  return line.replace(/^.*? was false\. /, '').replace(/^\/onnxruntime_src\/\S+ .*?\) /, '');
}

type TensorMaker = new (type: 'float32', data: Float32Array, shape: readonly number[]) => OrtTensor;
type Bindings = { [name: string]: OrtTensor };

class OnnxProgram implements Program {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly identity: string;
  readonly #graph: Graph;
  readonly #session: InferenceSession;
  readonly #name: `onnx-${Provider}`;
  /** Two sets: what one call writes, the next reads. A state that no call changes is the same array in both. */
  readonly #sides: readonly [Side, Side];
  #side: 0 | 1 = 0;

  constructor(
    graph: Graph,
    model: LoweredModel,
    session: InferenceSession,
    Tensor: TensorMaker,
    { name, identity }: { readonly name: `onnx-${Provider}`; readonly identity: string },
  ) {
    this.#name = name;
    this.identity = identity;
    this.#graph = graph;
    this.#session = session;
    this.inputs = arraysFor(graph.inputs);
    this.outputs = arraysFor(graph.outputs);
    const bind = (node: Node, data: Float32Array): OrtTensor => new Tensor('float32', data, node.shape);
    const feeds = bindings(model.inputs, graph.inputs, this.inputs, bind);
    const fetches = bindings(model.outputs, graph.outputs, this.outputs, bind);
    const first: Record<string, Float32Array> = {};
    const second: Record<string, Float32Array> = {};
    const sides = [
      { state: first, feeds: { ...feeds } as Bindings, fetches: { ...fetches } as Bindings },
      { state: second, feeds: { ...feeds } as Bindings, fetches: { ...fetches } as Bindings },
    ] as const;
    for (const [name, { before }] of graph.state) {
      const names = model.state.get(name);
      first[name] = new Float32Array(sizeOf(before.shape));
      second[name] = names?.after === undefined ? first[name] : new Float32Array(sizeOf(before.shape));
      const [one, two] = [bind(before, first[name]), bind(before, second[name])];
      if (names?.before !== undefined) {
        sides[0].feeds[names.before] = one;
        sides[1].feeds[names.before] = two;
      }
      if (names?.after !== undefined) {
        sides[0].fetches[names.after] = two;
        sides[1].fetches[names.after] = one;
      }
    }
    this.#sides = sides;
  }

  async run(): Promise<void> {
    const { feeds, fetches } = this.#sides[this.#side];
    try {
      await this.#session.run(feeds, fetches);
    } catch (thrown) {
      throw runFailure({ name: this.#name, why: plain(thrown), cause: thrown });
    }
    this.#side = this.#side === 0 ? 1 : 0;
  }

  nonFinite(): readonly string[] {
    const { state } = this.#sides[this.#side];
    const names = findNonFinite(this.outputs, () => state);
    // WGSL may lose a NaN on its way to an output; one that reached the state is there to be seen.
    return names.length === 0 && this.#name === 'onnx-webgpu' ? findNonFinite(state, () => ({})) : names;
  }

  peek(name: string): Float32Array {
    return known(name, this.#sides[this.#side].state[name]);
  }

  getState(): Tensors {
    return copyState(this.#graph, (name) => this.peek(name));
  }

  setState(state: Tensors): void {
    for (const [name, { data }] of matchState(this.#graph, state)) this.peek(name).set(data);
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

interface Side {
  readonly state: Readonly<Record<string, Float32Array>>;
  readonly feeds: Bindings;
  readonly fetches: Bindings;
}

function bindings(
  names: ReadonlyMap<string, string>,
  nodes: ReadonlyMap<string, Node>,
  arrays: Readonly<Record<string, Float32Array>>,
  bind: (node: Node, data: Float32Array) => OrtTensor,
): Bindings {
  return Object.fromEntries(
    [...names].map(([name, inside]) => [inside, bind(nodes.get(name) as Node, arrays[name] as Float32Array)]),
  );
}
