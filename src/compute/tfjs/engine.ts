// The engines `tfjs-cpu` and `tfjs-wasm`: the optimised graph node by node, on tfjs's own kernels. For comparison, and as a second
// oracle in float32; not for training.
import type * as tf from '@tensorflow/tfjs-core';
import { sizeOf, type Tensors } from '../../math/tensor.ts';
import type { Engine, Program } from '../engine.ts';
import type { Graph, Node } from '../graph.ts';
import { topological } from '../nodes.ts';
import { optimize } from '../passes/optimize.ts';
import { arraysFor, copyState, findNonFinite, known, matchState } from '../state.ts';
import { cpuBackend, type EagerBackend, wasmBackend } from './backends.ts';
import { Kernels } from './kernels.ts';

export const tfjsCpuEngine = eagerEngine('tfjs-cpu', cpuBackend);
export const tfjsWasmEngine = eagerEngine('tfjs-wasm', wasmBackend);

function eagerEngine(name: 'tfjs-cpu' | 'tfjs-wasm', start: () => Promise<EagerBackend>): Engine {
  return {
    name,
    async compile(graph) {
      const backend = await start();
      return new TfjsProgram(optimize(graph), backend, `${name} ${backend.version}`);
    },
  };
}

class TfjsProgram implements Program {
  readonly identity: string;
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly #graph: Graph;
  readonly #order: readonly Node[];
  readonly #kernels: Kernels;
  readonly #state = new Map<string, Float32Array>();

  constructor(graph: Graph, backend: EagerBackend, identity: string) {
    this.identity = identity;
    this.#graph = graph;
    this.#order = topological(graph);
    this.#kernels = new Kernels(backend);
    this.inputs = arraysFor(graph.inputs);
    this.outputs = arraysFor(graph.outputs);
    for (const [name, { before }] of graph.state) this.#state.set(name, new Float32Array(sizeOf(before.shape)));
  }

  async run(): Promise<void> {
    try {
      const tensors = new Map<Node, tf.TensorInfo>();
      const place = (node: Node, data: Float32Array): void =>
        void tensors.set(node, this.#kernels.tensor(data, node.shape, 'float32'));
      for (const [name, node] of this.#graph.inputs) place(node, this.inputs[name] as Float32Array);
      for (const [name, { before }] of this.#graph.state) place(before, this.#state.get(name) as Float32Array);
      for (const node of this.#order) {
        if (tensors.has(node)) continue;
        const inputs = node.inputs.map((input) => tensors.get(input) as tf.TensorInfo);
        tensors.set(node, this.#kernels.compute(node, inputs));
      }
      const read = (node: Node): ArrayLike<number> => this.#kernels.values(tensors.get(node) as tf.TensorInfo);
      for (const [name, node] of this.#graph.outputs) this.outputs[name]?.set(read(node));
      // All are read before any is written: one state may take what another was.
      const next = [...this.#graph.state].map(([name, { after }]) => [name, Float32Array.from(read(after))] as const);
      for (const [name, data] of next) this.#state.set(name, data);
    } finally {
      this.#kernels.disposeAll();
    }
  }

  nonFinite(): readonly string[] {
    return findNonFinite(this.outputs, () => Object.fromEntries(this.#state));
  }

  peek(name: string): Float32Array {
    return known(name, this.#state.get(name));
  }

  getState(): Tensors {
    return copyState(this.#graph, (name) => this.peek(name));
  }

  setState(state: Tensors): void {
    for (const [name, { data }] of matchState(this.#graph, state)) this.#state.set(name, data.slice());
  }

  async dispose(): Promise<void> {}
}
