// Which kernels of a backend of tfjs compute a node. Where tfjs and the graph differ (broadcasting in a choice), the graph's meaning
// holds.
import * as tf from '@tensorflow/tfjs-core';
import type { BinaryKind, Node, UnaryKind } from '../graph.ts';
import { isBinary, isUnary, sameShape } from '../nodes.ts';
import type { EagerBackend } from './backends.ts';

const UNARY: Readonly<Record<Exclude<UnaryKind, 'step'>, string>> = {
  neg: 'Neg',
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  square: 'Square',
  reciprocal: 'Reciprocal',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
  softplus: 'Softplus',
  relu: 'Relu',
};

const BINARY: Readonly<Record<BinaryKind, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Multiply',
  div: 'RealDiv',
  minimum: 'Minimum',
  maximum: 'Maximum',
  pow: 'Pow',
  greater: 'Greater',
  greaterEqual: 'GreaterEqual',
  less: 'Less',
  lessEqual: 'LessEqual',
  equal: 'Equal',
  and: 'LogicalAnd',
};

/** Runs kernels on one backend, and knows every tensor that they made. */
export class Kernels {
  readonly #backend: EagerBackend;
  readonly #made: tf.TensorInfo[] = [];

  constructor(backend: EagerBackend) {
    this.#backend = backend;
  }

  /** A tensor of `values`; kernels only read what they are given. */
  tensor(values: Float32Array | Uint8Array, shape: readonly number[], dtype: 'float32' | 'bool'): tf.TensorInfo {
    return this.#keep(this.#backend.place(values, shape, dtype));
  }

  values(tensor: tf.TensorInfo): ArrayLike<number> {
    return this.#backend.read(tensor);
  }

  /** Gives back every tensor made so far. */
  disposeAll(): void {
    for (const tensor of this.#made.splice(0)) this.#backend.release(tensor);
  }

  compute(node: Node, inputs: readonly tf.TensorInfo[]): tf.TensorInfo {
    const { op, shape } = node;
    const [x, second, third] = inputs as [tf.TensorInfo, tf.TensorInfo, tf.TensorInfo];
    if (isUnary(op))
      return op.kind === 'step' ? this.#run('Step', { x }, { alpha: 0 }) : this.#run(UNARY[op.kind], { x });
    if (isBinary(op)) {
      const result = this.#run(BINARY[op.kind], { a: x, b: second });
      return op.kind === 'minimum' || op.kind === 'maximum' ? this.#keepNan(result, [x, second]) : result;
    }
    switch (op.kind) {
      case 'input':
        throw new RangeError(`The graph reads "${op.name}", which is neither an input nor state.`);
      case 'constant':
        return node.dtype === 'bool'
          ? this.tensor(
              Uint8Array.from(op.values, (value) => (value === 0 ? 0 : 1)),
              shape,
              'bool',
            )
          : this.tensor(op.values, shape, 'float32');
      case 'select':
        return this.#run('Select', {
          condition: this.#expand(x, shape),
          t: this.#expand(second, shape),
          e: this.#expand(third, shape),
        });
      case 'clip':
        return this.#keepNan(this.#run('ClipByValue', { x }, { clipValueMin: op.min, clipValueMax: op.max }), [x]);
      case 'cast':
        // The `Cast` of wasm cuts 0.5 off to false.
        return node.dtype === 'bool' && x.dtype === 'float32'
          ? this.#run('NotEqual', { a: x, b: this.tensor(new Float32Array(1), [], 'float32') })
          : this.#run('Cast', { x }, { dtype: node.dtype });
      case 'sum':
        return this.#run('Sum', { x }, { axis: [...op.axes], keepDims: op.keepDims });
      case 'mean':
        return this.#run('Mean', { x }, { axis: [...op.axes], keepDims: op.keepDims });
      case 'max':
        return this.#run('Max', { x }, { reductionIndices: [...op.axes], keepDims: op.keepDims });
      case 'matmul': {
        const { transposeA, transposeB } = op;
        const product = this.#run('BatchMatMul', { a: x, b: second }, { transposeA, transposeB });
        return third === undefined ? product : this.#run('Add', { a: product, b: third });
      }
      case 'reshape':
        return this.#run('Reshape', { x }, { shape: [...shape] });
      case 'broadcast':
        return this.#expand(x, shape);
      case 'tile':
        return this.#run('Tile', { x }, { reps: [...op.reps] });
      case 'transpose':
        return this.#run('Transpose', { x }, { perm: [...op.perm] });
      case 'concat':
        // Kernels of lists take an array where others take a record.
        return this.#run('Concat', inputs as unknown as Record<string, tf.TensorInfo>, { axis: op.axis });
      case 'slice':
        return this.#run('Slice', { x }, { begin: [...op.begin], size: [...shape] });
      case 'pad':
        return this.#run(
          'PadV2',
          { x },
          { paddings: op.paddings.map((padding) => [...padding]), constantValue: op.value },
        );
      default:
        op satisfies never;
        throw new TypeError(`Unknown op ${JSON.stringify(op)}.`);
    }
  }

  /** `result`, with NaN put back where an operand has it, on a backend that loses it. */
  #keepNan(result: tf.TensorInfo, operands: readonly tf.TensorInfo[]): tf.TensorInfo {
    if (this.#backend.keepsNan) return result;
    return operands.reduce((kept, operand) => {
      const t = this.#expand(operand, result.shape);
      return this.#run('Select', { condition: this.#run('NotEqual', { a: t, b: t }), t, e: kept });
    }, result);
  }

  #expand(x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    if (sameShape(x.shape, shape)) return x;
    const aligned = [...Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
    const reps = shape.map((size, axis) => size / (aligned[axis] as number));
    return this.#run('Tile', { x: this.#run('Reshape', { x }, { shape: aligned }) }, { reps });
  }

  #run(name: string, inputs: Record<string, tf.TensorInfo>, attrs: Record<string, unknown> = {}): tf.TensorInfo {
    const { name: backendName, instance } = this.#backend;
    const kernel = tf.getKernel(name, backendName);
    if (kernel === undefined) throw new RangeError(`tfjs's ${backendName} backend has no kernel ${name}.`);
    const result = kernel.kernelFunc({ inputs, attrs: attrs as unknown as tf.NamedAttrMap, backend: instance });
    return this.#keep(result as tf.TensorInfo);
  }

  #keep(tensor: tf.TensorInfo): tf.TensorInfo {
    this.#made.push(tensor);
    return tensor;
  }
}
