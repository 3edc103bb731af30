// The fields of onnx.proto3 that a program needs, by name: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
import { bytes, encode, type Field, float, integer, message, string } from '../../protobuf.ts';

/** IR version 8 with opset 18: what onnxruntime has read since 1.14. */
const IR_VERSION = 8;
const OPSET = 18;

const ELEMENT_TYPE = { float32: 1, int64: 7, bool: 9 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;

export type Attribute = { readonly float: number } | { readonly int: number } | { readonly ints: readonly number[] };

/** What a model says of itself. */
export interface ModelAbout {
  /** Of the graph. */
  readonly name: string;
  readonly description: string;
  /** Of Gymserve. */
  readonly version: string;
  /** For whoever reads the file: names and values as they like. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of an input or output: a number of elements, or the name of a dimension that is known only when the model runs. */
type Dimension = number | string;

/** Nodes, initializers, inputs and outputs of one graph, in the order in which they were added. */
export class ModelWriter {
  readonly #nodes: Field[] = [];
  readonly #initializers = new Map<string, Field>();
  readonly #inputs: Field[] = [];
  readonly #outputs: Field[] = [];

  input(name: string, shape: readonly Dimension[]): void {
    this.#inputs.push(message(11, ...valueInfo(name, shape)));
  }

  output(name: string, shape: readonly Dimension[]): void {
    this.#outputs.push(message(12, ...valueInfo(name, shape)));
  }

  node(
    type: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    this.#nodes.push(
      message(
        1,
        ...inputs.map((input) => string(1, input)),
        string(2, output),
        string(3, output),
        string(4, type),
        ...Object.entries(attributes).map(([name, value]) => message(5, ...attribute(name, value))),
      ),
    );
    return output;
  }

  /** A float32 or bool constant called `name`. */
  constant(
    name: string,
    shape: readonly number[],
    values: Float32Array,
    dtype: 'float32' | 'bool' = 'float32',
  ): string {
    const raw = dtype === 'bool' ? Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)) : bytesOf(values);
    return this.#initializer(name, shape, ELEMENT_TYPE[dtype], raw);
  }

  scalar(value: number): string {
    return this.constant(`f:${Object.is(value, -0) ? '-0' : value}`, [], Float32Array.of(value));
  }

  integers(values: readonly number[]): string {
    return this.#initializer(
      `i:${values}`,
      [values.length],
      ELEMENT_TYPE.int64,
      bytesOf(BigInt64Array.from(values, BigInt)),
    );
  }

  #initializer(name: string, shape: readonly number[], type: number, raw: Uint8Array): string {
    if (!this.#initializers.has(name)) {
      this.#initializers.set(
        name,
        message(5, ...shape.map((size) => integer(1, size)), integer(2, type), string(8, name), bytes(9, raw)),
      );
    }
    return name;
  }

  encode({ name, description, version, metadata }: ModelAbout): Uint8Array {
    return encode(
      integer(1, IR_VERSION),
      string(2, 'gymserve'),
      string(3, version),
      string(6, description),
      message(7, ...this.#nodes, string(2, name), ...this.#initializers.values(), ...this.#inputs, ...this.#outputs),
      message(8, string(1, ''), integer(2, OPSET)),
      ...Object.entries(metadata).map(([key, value]) => message(14, string(1, key), string(2, value))),
    );
  }
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function valueInfo(name: string, shape: readonly Dimension[]): Field[] {
  if (shape.includes(0)) throw new RangeError(`"${name}" has an empty shape [${shape}].`);
  const dimensions = shape.map((size) => message(1, typeof size === 'number' ? integer(1, size) : string(2, size)));
  return [string(1, name), message(2, message(1, integer(1, ELEMENT_TYPE.float32), message(2, ...dimensions)))];
}

function attribute(name: string, value: Attribute): Field[] {
  if ('float' in value) return [string(1, name), float(2, value.float), integer(20, ATTRIBUTE_TYPE.float)];
  if ('int' in value) return [string(1, name), integer(3, value.int), integer(20, ATTRIBUTE_TYPE.int)];
  return [string(1, name), ...value.ints.map((int) => integer(8, int)), integer(20, ATTRIBUTE_TYPE.ints)];
}
