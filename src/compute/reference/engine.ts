// The reference interpreter behind the Engine interface. State is kept in float64 between calls; only its border is float32.
import { sizeOf, type Tensors } from '../../math/tensor.ts';
import type { Engine, Program } from '../engine.ts';
import type { Graph } from '../graph.ts';
import { arraysFor, copyState, findNonFinite, known, matchState } from '../state.ts';
import { evaluate, type Float64Record } from './evaluate.ts';

export const referenceEngine: Engine = {
  name: 'reference',
  compile: async (graph) => new ReferenceProgram(graph),
};

class ReferenceProgram implements Program {
  readonly identity = 'reference';
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly #graph: Graph;
  #state: Float64Record;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.inputs = arraysFor(graph.inputs);
    this.outputs = arraysFor(graph.outputs);
    this.#state = Object.fromEntries(
      [...graph.state].map(([name, { before }]) => [name, new Float64Array(sizeOf(before.shape))]),
    );
  }

  async run(): Promise<void> {
    const inputs = Object.fromEntries(
      Object.entries(this.inputs).map(([name, data]) => [name, Float64Array.from(data)]),
    );
    const next = evaluate(this.#graph, inputs, this.#state);
    for (const [name, values] of Object.entries(next.outputs)) this.outputs[name]?.set(values);
    this.#state = next.state;
  }

  nonFinite(): readonly string[] {
    const states = () => Object.fromEntries(Object.keys(this.#state).map((name) => [name, this.peek(name)]));
    return findNonFinite(this.outputs, states);
  }

  peek(name: string): Float32Array {
    return Float32Array.from(known(name, this.#state[name]));
  }

  getState(): Tensors {
    return copyState(this.#graph, (name) => this.peek(name));
  }

  setState(state: Tensors): void {
    this.#state = Object.fromEntries(
      [...matchState(this.#graph, state)].map(([name, { data }]) => [name, Float64Array.from(data)]),
    );
  }

  async dispose(): Promise<void> {}
}
