// A tfjs function as a graph: `tf.function` for TensorFlow.js. Runs the function once, on tensors that have shapes but no values.
import * as tf from '@tensorflow/tfjs-core';
import { DomainError } from '../../errors.ts';
import type { Graph, Node } from '../graph.ts';
import { nodeMaker, sameShape } from '../nodes.ts';
import { BACKEND, TraceBackend } from './backend.ts';
import { registerGradients } from './gradients.ts';
import { registerKernels } from './kernels.ts';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Plain tfjs: reads and assigns the variables, returns the outputs. */
export type Program<S extends Shapes, I extends Shapes> = (
  variables: { readonly [name in keyof S]: tf.Variable },
  inputs: { readonly [name in keyof I]: tf.Tensor },
) => Readonly<Record<string, tf.Tensor>>;

/**
 * The graph of `program`. Variables bear the names of `state`; what is last assigned to one is that state's next value.
 *
 * Throws `untraceable` naming the kernel that is not known, the tensor whose value was read, or the state whose shape changed.
 * The tfjs backend in use before is in use again afterwards, and nothing of tracing stays in tfjs.
 */
export function trace<const S extends Shapes, const I extends Shapes>(
  program: Program<S, I>,
  signature: { readonly state: S; readonly inputs: I },
): Graph {
  registerKernels();
  registerGradients();
  const engine = tf.engine();
  if (engine.backendName === BACKEND)
    throw new DomainError('untraceable', 'A program is being traced; trace one at a time.');
  const home = engine.backendName;
  const backend = new TraceBackend();
  tf.registerBackend(BACKEND, () => backend, 0);
  // Takes effect at once: the promise is only for backends that start up asynchronously.
  void tf.setBackend(BACKEND);
  const registeredVariables = engine.state.registeredVariables;
  engine.state.registeredVariables = {};
  const variables: Record<string, tf.Variable> = {};
  engine.startScope();
  try {
    return record(backend, variables, program as Program<Shapes, Shapes>, signature);
  } catch (thrown) {
    throw explain(thrown);
  } finally {
    dropTape(engine);
    for (const variable of Object.values(variables)) variable.dispose();
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
  variables: Record<string, tf.Variable>,
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
    ([name, tensor]) => [name, backend.node(tensor)] as const,
  );
  const state = [...before].map(
    ([name, node]) => [name, { before: node, after: backend.node(variables[name] as tf.Variable) }] as const,
  );
  return { inputs, state: new Map(state), outputs: new Map(outputs) };
}

/** A variable that says its name when it is assigned another shape. */
function guarded(variable: tf.Variable): tf.Variable {
  const assign = variable.assign.bind(variable);
  variable.assign = (value: tf.Tensor): void => {
    if (!sameShape(value.shape, variable.shape)) {
      throw new DomainError(
        'untraceable',
        `State "${variable.name}" has shape [${variable.shape}]; the program assigns it shape [${value.shape}].`,
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
    return new DomainError(
      'untraceable',
      `The tfjs kernel "${kernel}" cannot be traced: src/compute/trace/kernels.ts has no rule for it.`,
      { cause: thrown },
    );
  }
  const gradient = /gradient function not found for ([^.]+)\./.exec(thrown.message)?.[1];
  if (gradient !== undefined) {
    return new DomainError(
      'untraceable',
      `The tfjs kernel "${gradient}" has no gradient: src/compute/trace/gradients.ts has no rule for it.`,
      { cause: thrown },
    );
  }
  return thrown;
}
