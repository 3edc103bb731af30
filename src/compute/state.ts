// A program's arrays and its state, which is checked at the door: the same rules for every engine.
import { DomainError } from '../errors.ts';
import { sizeOf, type Tensor, type Tensors, take } from '../math/tensor.ts';
import type { Graph, Node } from './graph.ts';
import { sameShape } from './nodes.ts';

/** An array of zeros for each of `nodes`. */
export function arraysFor(nodes: ReadonlyMap<string, Node>): Record<string, Float32Array> {
  return Object.fromEntries([...nodes].map(([name, node]) => [name, new Float32Array(sizeOf(node.shape))]));
}

/** The array of the state `name`. Throws a `RangeError` where there is none. */
export function known<T>(name: string, array: T | undefined): T {
  if (array === undefined) throw new RangeError(`The program has no state "${name}".`);
  return array;
}

/** A copy of the whole state of a program of `graph`. */
export function copyState(graph: Graph, peek: (name: string) => Float32Array): Tensors {
  return Object.fromEntries(
    [...graph.state].map(([name, { before }]) => [name, { shape: before.shape, data: peek(name).slice() }]),
  );
}

/** The float32 tensors of `state` for the states of `graph`, by name. Throws `checkpoint_incompatible` naming the tensor that does not fit. */
export function matchState(graph: Graph, state: Tensors): Map<string, Tensor<Float32Array>> {
  const unknown = Object.keys(state).find((name) => !graph.state.has(name));
  if (unknown !== undefined) {
    throw new DomainError(
      'checkpoint_incompatible',
      `The program has no state "${unknown}"; it has: ${[...graph.state.keys()].join(', ')}.`,
    );
  }
  const matched = new Map<string, Tensor<Float32Array>>();
  for (const [name, { before }] of graph.state) {
    if (state[name] === undefined) throw new DomainError('checkpoint_incompatible', `The state "${name}" is missing.`);
    const tensor = asFloat32(state, name);
    if (!sameShape(tensor.shape, before.shape)) {
      throw new DomainError(
        'checkpoint_incompatible',
        `The state "${name}" has shape [${tensor.shape}]; the program needs [${before.shape}].`,
      );
    }
    matched.set(name, tensor);
  }
  return matched;
}

function asFloat32(state: Tensors, name: string): Tensor<Float32Array> {
  try {
    return take(state, name, Float32Array);
  } catch (thrown) {
    throw new DomainError('checkpoint_incompatible', (thrown as Error).message, { cause: thrown });
  }
}

/** Names of the arrays that hold NaN or infinity: outputs first, and states only where an output does, since to look costs time. */
export function findNonFinite(
  outputs: Readonly<Record<string, Float32Array>>,
  states: () => Readonly<Record<string, Float32Array>>,
): readonly string[] {
  const wrong = (arrays: Readonly<Record<string, Float32Array>>): string[] =>
    Object.keys(arrays).filter((name) => !arrays[name]?.every(Number.isFinite));
  const names = wrong(outputs);
  return names.length === 0 ? [] : [...names, ...wrong(states())];
}
