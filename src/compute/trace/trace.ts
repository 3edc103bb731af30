// A tfjs function as a graph: `tf.function` for TensorFlow.js. Runs the function once, on tensors that have shapes but no values.
import * as tf from '@tensorflow/tfjs-core';
import { DomainError } from '../../errors.ts';
import { sizeOf } from '../../math/tensor.ts';
import type { Graph, Node } from '../graph.ts';
import { nodeMaker, sameShape } from '../nodes.ts';
import { BACKEND, TraceBackend } from './backend.ts';
import { registerGradients } from './gradients.ts';
import { registerKernels } from './kernels.ts';
import { TRACE_STACK_DEPTH, untraceable } from './untraceable.ts';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Plain tfjs: reads and assigns the variables, returns the outputs. */
export type Program<S extends Shapes, I extends Shapes> = (
  variables: { readonly [name in keyof S]: tf.Variable },
  inputs: { readonly [name in keyof I]: tf.Tensor },
) => Readonly<Record<string, tf.Tensor>>;

/**
 * The graph of `program`. Variables bear the names of `state`; what is last assigned to one is that state's next value.
 *
 * Throws `untraceable` naming the kernel or gradient that is not known, the tensor whose value was read or the state whose shape
 * changed, and the line of the program that asked for it.
 * The tfjs backend in use before is in use again afterwards, and nothing of tracing stays in tfjs.
 */
export function trace<const S extends Shapes, const I extends Shapes>(
  program: Program<S, I>,
  signature: { readonly state: S; readonly inputs: I },
): Graph {
  registerKernels();
  registerGradients();
  const engine = tf.engine();
  if (engine.backendName === BACKEND) throw untraceable('A program is being traced; trace one at a time.');
  checkShapes('State', signature.state);
  checkShapes('Input', signature.inputs);
  const home = engine.backendName;
  const backend = new TraceBackend();
  tf.registerBackend(BACKEND, () => backend, 0);
  // Takes effect at once: the promise is only for backends that start up asynchronously.
  void tf.setBackend(BACKEND);
  const registeredVariables = engine.state.registeredVariables;
  engine.state.registeredVariables = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = TRACE_STACK_DEPTH;
  engine.startScope();
  try {
    return record(backend, program as Program<Shapes, Shapes>, signature);
  } catch (thrown) {
    throw explain(thrown);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    dropTape(engine);
    for (const variable of Object.values(engine.state.registeredVariables)) variable.dispose();
    engine.endScope();
    engine.state.registeredVariables = registeredVariables;
    if (home) {
      void tf.setBackend(home);
      backend.returnBorrowed(tf.backend());
    }
    tf.removeBackend(BACKEND);
  }
}

function record(
  backend: TraceBackend,
  program: Program<Shapes, Shapes>,
  signature: { readonly state: Shapes; readonly inputs: Shapes },
): Graph {
  // Leaves are numbered below zero: the backend numbers what is computed from zero up.
  const make = nodeMaker(-Object.keys(signature.state).length - Object.keys(signature.inputs).length);
  const leaf = (name: string, shape: readonly number[]): { node: Node; tensor: tf.Tensor } => {
    const node = make({ kind: 'input', name }, [], shape);
    return { node, tensor: tf.engine().makeTensorFromTensorInfo(backend.wrap(node)) };
  };
  const before = new Map<string, Node>();
  const variables: Record<string, tf.Variable> = {};
  for (const [name, shape] of Object.entries(signature.state)) {
    const { node, tensor } = leaf(name, shape);
    before.set(name, node);
    variables[name] = guarded(tf.variable(tensor, true, name));
  }
  const inputs = new Map<string, Node>();
  const tensors: Record<string, tf.Tensor> = {};
  for (const [name, shape] of Object.entries(signature.inputs)) {
    const { node, tensor } = leaf(name, shape);
    inputs.set(name, node);
    tensors[name] = tensor;
  }
  const outputs = Object.entries(program(variables, tensors)).map(
    ([name, tensor]) => [name, output(backend, name, tensor)] as const,
  );
  const stranger = Object.values(tf.engine().state.registeredVariables).find(
    ({ name }) => variables[name] === undefined,
  );
  if (stranger !== undefined) {
    throw untraceable(
      `The program makes a variable "${stranger.name}" of shape [${stranger.shape}], which would start anew at each call. Make it a state.`,
    );
  }
  const state = [...before].map(
    ([name, node]) => [name, { before: node, after: backend.node(variables[name] as tf.Variable) }] as const,
  );
  return { inputs, state: new Map(state), outputs: new Map(outputs) };
}

/** A shape that no engine could hold is named before anything is traced. */
function checkShapes(what: string, shapes: Shapes): void {
  for (const [name, shape] of Object.entries(shapes)) {
    if (!shape.every((size) => Number.isInteger(size) && size >= 0) || sizeOf(shape) === 0) {
      throw untraceable(
        `${what} "${name}" has shape [${shape}], which has no elements. Every size must be at least 1.`,
      );
    }
  }
}

/** The node of an output. Truth values go out as 0 and 1: what a program returns is float32. */
function output(backend: TraceBackend, name: string, tensor: tf.Tensor): Node {
  if (!(tensor instanceof tf.Tensor)) throw untraceable(`Output "${name}" is not a tensor, but ${typeof tensor}.`);
  return backend.node(tensor.dtype === 'bool' ? tf.cast(tensor, 'float32') : tensor);
}

/** A variable that says its name when it is assigned another shape or type. */
function guarded(variable: tf.Variable): tf.Variable {
  const assign = variable.assign.bind(variable);
  variable.assign = (value: tf.Tensor): void => {
    if (!sameShape(value.shape, variable.shape) || value.dtype !== variable.dtype) {
      const describe = ({ shape, dtype }: tf.Tensor): string => `shape [${shape}] and dtype ${dtype}`;
      throw untraceable(
        `State "${variable.name}" has ${describe(variable)}; the program assigns it ${describe(value)}.`,
      );
    }
    assign(value);
  };
  return variable;
}

/** A gradient that failed half-way leaves the tensors it saved; a finished one leaves none. */
function dropTape(engine: ReturnType<typeof tf.engine>): void {
  for (const step of engine.state.activeTape ?? []) {
    for (const tensor of step.saved ?? []) if (!tensor.isDisposed) tensor.dispose();
  }
  engine.state.activeTape = null as unknown as typeof engine.state.activeTape;
}

function explain(thrown: unknown): unknown {
  if (thrown instanceof DomainError || !(thrown instanceof Error)) return thrown;
  const kernel = /[Kk]ernel '([^']+)'/.exec(thrown.message)?.[1];
  if (kernel !== undefined) {
    return untraceable(
      `The tfjs kernel "${kernel}" cannot be traced: src/compute/trace/kernels.ts has no rule for it.`,
      thrown,
    );
  }
  const gradient = /gradient function not found for ([^.]+)\./.exec(thrown.message)?.[1];
  if (gradient !== undefined) {
    return untraceable(
      `The tfjs kernel "${gradient}" has no gradient: src/compute/trace/gradients.ts has no rule for it.`,
      thrown,
    );
  }
  return thrown;
}
