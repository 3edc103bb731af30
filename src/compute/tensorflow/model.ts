// The fields of TensorFlow's SavedModel that a program needs, by name:
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/saved_model.proto and what it imports.
import { bytes, encode, type Field, float, integer, message, string } from '../../protobuf.ts';

/** Of graphs that TensorFlow 2.9 and later read alike: tfjs-node-gpu's is 2.9. */
const GRAPH_VERSION = 1087;
const SCHEMA_VERSION = 1;
/** What a SavedModel that is to be run is tagged with. */
export const TAG = 'serve';

const DATA_TYPE = { float32: 1, int32: 3, bool: 10 } as const;
type DataType = keyof typeof DATA_TYPE;

export type Attribute =
  | { readonly type: DataType }
  | { readonly shape: readonly number[] }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly tensor: Value };

/** A tensor written into the model; `raw` is its elements, row-major, little-endian. */
interface Value {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
}

/** What a signature takes or gives: by the name in it, the node whose first output it is, and its shape. */
type Endpoints = Readonly<Record<string, readonly [string, readonly number[]]>>;

/** Nodes and signatures of one graph, in the order in which they were added. */
export class ModelWriter {
  readonly #device: string | null;
  readonly #nodes: Field[] = [];
  readonly #names = new Set<string>();
  readonly #signatures: Field[] = [];

  constructor(device: string | null) {
    this.#device = device;
  }

  /** A node called `name`, which runs after those of `after`; returns its name, which stands for its first output. */
  node(
    type: string,
    inputs: readonly string[],
    name: string,
    attributes: Readonly<Record<string, Attribute>> = {},
    after: readonly string[] = [],
  ): string {
    if (this.#names.has(name)) throw new RangeError(`Two nodes of the model are called "${name}".`);
    this.#names.add(name);
    this.#nodes.push(
      message(
        1,
        string(1, name),
        string(2, type),
        ...[...inputs, ...after.map((node) => `^${node}`)].map((input) => string(3, input)),
        ...(this.#device === null ? [] : [string(4, this.#device)]),
        ...Object.entries(attributes).map(([key, value]) => message(5, string(1, key), message(2, attribute(value)))),
      ),
    );
    return name;
  }

  /**
   * A float32 or bool constant called `name`, as a placeholder that nobody feeds: TensorFlow would calculate with one that it knows.
   * It makes x·0 a 0 where x is NaN, (1 + x) − 1 an x, and log(1 + x) another function, and the addon cannot forbid it that.
   */
  constant(name: string, shape: readonly number[], values: Float32Array, type: 'float32' | 'bool' = 'float32'): string {
    const raw = type === 'bool' ? Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)) : bytesOf(values);
    const constant = this.#constant(`${name}/value`, { type, shape, raw });
    return this.node('PlaceholderWithDefault', [constant], name, { dtype: { type }, shape: { shape } });
  }

  scalar(value: number): string {
    return this.once(`float/${plain(Object.is(value, -0) ? '-0' : String(value))}`, (name) =>
      this.constant(name, [], Float32Array.of(value)),
    );
  }

  /** An int32 constant of `shape`: a vector unless it says otherwise. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.once(`int/${plain(`${shape.join('x')}/${values.join('_')}`)}`, (name) =>
      this.#constant(name, { type: 'int32', shape, raw: bytesOf(Int32Array.from(values)) }),
    );
  }

  /** `name`, after `make` made that node, unless there is one already. */
  once(name: string, make: (name: string) => string): string {
    return this.#names.has(name) ? name : make(name);
  }

  signature(name: string, inputs: Endpoints, outputs: Endpoints): void {
    const infos = (field: number, endpoints: Endpoints): Field[] =>
      Object.entries(endpoints).map(([key, [node, shape]]) =>
        message(
          field,
          string(1, key),
          message(2, string(1, `${node}:0`), integer(2, DATA_TYPE.float32), message(3, ...dimensions(shape))),
        ),
      );
    this.#signatures.push(
      message(
        5,
        string(1, name),
        message(2, ...infos(1, inputs), ...infos(2, outputs), string(3, 'tensorflow/serving/predict')),
      ),
    );
  }

  encode(): Uint8Array {
    const graph = message(2, ...this.#nodes, message(4, integer(1, GRAPH_VERSION)));
    return encode(integer(1, SCHEMA_VERSION), message(2, message(1, string(4, TAG)), graph, ...this.#signatures));
  }

  #constant(name: string, tensor: Value): string {
    return this.node('Const', [], name, { dtype: { type: tensor.type }, value: { tensor } });
  }
}

/** `text` as a part of a node's name, which TensorFlow gives few characters. */
export const plain = (text: string): string => text.replaceAll(/[^A-Za-z0-9_.-]/g, '_');

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

const dimensions = (shape: readonly number[]): Field[] => shape.map((size) => message(2, integer(1, size)));

function attribute(value: Attribute): Field {
  if ('type' in value) return integer(6, DATA_TYPE[value.type]);
  if ('shape' in value) return message(7, ...dimensions(value.shape));
  if ('int' in value) return integer(3, value.int);
  if ('float' in value) return float(4, value.float);
  if ('bool' in value) return integer(5, value.bool ? 1 : 0);
  if ('string' in value) return string(2, value.string);
  const { type, shape, raw } = value.tensor;
  return message(8, integer(1, DATA_TYPE[type]), message(2, ...dimensions(shape)), bytes(4, raw));
}
