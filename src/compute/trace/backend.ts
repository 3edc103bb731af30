// The tfjs backend that computes nothing: a tensor is a graph node, a value that tfjs writes is a constant.
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../math/tensor.ts';
import type { DType, Node, Op } from '../graph.ts';
import { type MakeNode, nodeMaker } from '../nodes.ts';
import { untraceable } from './untraceable.ts';

export const BACKEND = 'trace';

/** What a tfjs data id stands for: values written by the host (a node once something reads them), or a node. */
interface Entry {
  values: tf.BackendValues | undefined;
  node: Node | undefined;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  references: number;
}

export class TraceBackend extends tf.KernelBackend {
  readonly #entries: tf.DataStorage<Entry>;
  readonly #make: MakeNode = nodeMaker();
  /** Ids that came from another backend, to be handed back when tracing ends. */
  readonly #borrowed = new Set<object>();

  constructor() {
    super();
    this.#entries = new tf.DataStorage<Entry>(this, tf.engine());
  }

  /** A tensor for the result of `op`. */
  emit(op: Op, inputs: readonly tf.TensorInfo[], shape: readonly number[], dtype?: DType): tf.TensorInfo {
    if (sizeOf(shape) === 0) throw untraceable(`The op "${op.kind}" gives shape [${shape}], which has no elements.`);
    return this.wrap(
      this.#make(
        op,
        inputs.map((tensor) => this.node(tensor)),
        shape,
        dtype,
      ),
    );
  }

  /** A tensor for a node without inputs. */
  wrap(node: Node): tf.TensorInfo {
    const dataId = {};
    this.#entries.set(dataId, { values: undefined, node, shape: node.shape, dtype: node.dtype, references: 1 });
    return { dataId, shape: [...node.shape], dtype: node.dtype };
  }

  /** The same data under another tensor. */
  alias(tensor: tf.TensorInfo): tf.TensorInfo {
    this.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  }

  /** The node a tensor stands for; what the host wrote becomes a constant here. */
  node(tensor: tf.TensorInfo): Node {
    const entry = this.#entry(tensor.dataId);
    entry.node ??= this.#constant(entry);
    return entry.node;
  }

  /** The values of a tensor that the program wrote itself, or undefined. */
  written(tensor: tf.TensorInfo): tf.BackendValues | undefined {
    return this.#entry(tensor.dataId).values;
  }

  #entry(dataId: tf.DataId): Entry {
    // What this backend does not hold may come from the one before; what tfjs does not know either is gone.
    if (!this.#entries.has(dataId) && !tf.engine().state.tensorInfo.has(dataId)) {
      throw untraceable('The program uses a tensor that was disposed, by itself or at the end of a tf.tidy.');
    }
    return this.#entries.get(dataId);
  }

  #constant(entry: Entry): Node {
    if (entry.dtype !== 'float32' && entry.dtype !== 'int32' && entry.dtype !== 'bool') {
      throw untraceable(`A traced program computes in float32 and bool; it uses a tensor of dtype ${entry.dtype}.`);
    }
    if (sizeOf(entry.shape) === 0) {
      throw untraceable(`The program uses a tensor of shape [${entry.shape}], which has no elements.`);
    }
    // Integers that a program writes are small literals (an exponent, a count): exact in float32.
    const values = Float32Array.from(entry.values as Float32Array | Int32Array | Uint8Array);
    return this.#make({ kind: 'constant', values }, [], entry.shape, entry.dtype === 'bool' ? 'bool' : 'float32');
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {};
    this.#entries.set(dataId, { values, node: undefined, shape, dtype, references: 1 });
    return dataId;
  }

  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.#borrowed.add(dataId);
    this.#entries.set(dataId, { values, node: undefined, shape, dtype, references: refCount });
  }

  /** Moves what came from another backend, and is still in use, to `home`. */
  returnBorrowed(home: tf.KernelBackend): void {
    for (const dataId of this.#borrowed) if (this.#entries.has(dataId)) tf.engine().moveData(home, dataId);
    this.#borrowed.clear();
  }

  override readSync(dataId: object): tf.BackendValues {
    const entry = this.#entry(dataId);
    if (entry.values !== undefined) return entry.values;
    const { op } = entry.node as Node;
    const source = op.kind === 'input' ? `input "${op.name}"` : `op "${op.kind}"`;
    throw untraceable(
      `A traced program has no values yet, but reads (dataSync, arraySync, print) the tensor of shape [${entry.shape}] that came from ${source}. Compute with it in tfjs, or make it an output.`,
    );
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#entries.has(dataId)) return true;
    const entry = this.#entries.get(dataId);
    entry.references -= 1;
    if (!force && entry.references > 0) return false;
    this.#entries.delete(dataId);
    return true;
  }

  override incRef(dataId: object): void {
    this.#entries.get(dataId).references += 1;
  }

  override refCount(dataId: object): number {
    return this.#entries.has(dataId) ? this.#entries.get(dataId).references : 0;
  }

  override numDataIds(): number {
    return this.#entries.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {}
}
