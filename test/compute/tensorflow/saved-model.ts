// Reads a SavedModel's bytes, by https://protobuf.dev/programming-guides/encoding and TensorFlow's .proto files; shares nothing with
// the code that writes them.

export interface ModelNode {
  readonly name: string;
  readonly op: string;
  /** Data inputs by the node that they come from, in order. */
  readonly inputs: readonly string[];
  /** Nodes that must have run before. */
  readonly after: readonly string[];
  readonly device: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

export type AttributeValue = number | boolean | string | { readonly shape: readonly number[] } | Constant;

export interface Constant {
  readonly type: number;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export interface Signature {
  /** Nodes by the names that the signature gives them. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

export interface SavedModel {
  readonly tags: readonly string[];
  readonly producer: number;
  readonly nodes: ReadonlyMap<string, ModelNode>;
  readonly signatures: ReadonlyMap<string, Signature>;
}

/** Fields of one message by number, in the order in which they stand there. */
type Message = ReadonlyMap<number, readonly (number | Buffer)[]>;

function decode(buffer: Buffer): Message {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  const read = (wireType: number): number | Buffer => {
    if (wireType === 0) return varint();
    if (wireType !== 2 && wireType !== 5) throw new RangeError(`wire type ${wireType}`);
    const length = wireType === 5 ? 4 : varint();
    at += length;
    return wireType === 5 ? buffer.readFloatLE(at - 4) : buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const key = varint();
    const field = key >> 3;
    fields.set(field, [...(fields.get(field) ?? []), read(key & 7)]);
  }
  return fields;
}

const all = (message: Message, field: number): Buffer[] => (message.get(field) ?? []) as Buffer[];
const numbers = (message: Message, field: number): number[] => (message.get(field) ?? []) as number[];
const messages = (message: Message, field: number): Message[] => all(message, field).map(decode);
const texts = (message: Message, field: number): string[] => all(message, field).map(String);
const text = (message: Message, field: number): string => texts(message, field)[0] ?? '';
const only = (message: Message, field: number): Message => messages(message, field)[0] ?? new Map();

export function readSavedModel(bytes: Uint8Array): SavedModel {
  const meta = only(decode(Buffer.from(bytes)), 2);
  const graph = only(meta, 2);
  const nodes = messages(graph, 1).map(readNode);
  return {
    tags: texts(only(meta, 1), 4),
    producer: numbers(only(graph, 4), 1)[0] ?? 0,
    nodes: new Map(nodes.map((node) => [node.name, node])),
    signatures: new Map(
      messages(meta, 5).map((entry) => {
        const signature = only(entry, 2);
        return [text(entry, 1), { inputs: endpoints(signature, 1), outputs: endpoints(signature, 2) }];
      }),
    ),
  };
}

const endpoints = (signature: Message, field: number): Map<string, string> =>
  new Map(
    messages(signature, field).map((entry) => [text(entry, 1), text(only(entry, 2), 1).replace(/:0$/, '')] as const),
  );

function readNode(message: Message): ModelNode {
  const inputs = texts(message, 3);
  return {
    name: text(message, 1),
    op: text(message, 2),
    inputs: inputs.filter((input) => !input.startsWith('^')),
    after: inputs.filter((input) => input.startsWith('^')).map((input) => input.slice(1)),
    device: text(message, 4),
    attributes: new Map(messages(message, 5).map((entry) => [text(entry, 1), readAttribute(only(entry, 2))])),
  };
}

const readShape = (message: Message): number[] =>
  messages(message, 2).map((dimension) => numbers(dimension, 1)[0] ?? 0);

function readAttribute(message: Message): AttributeValue {
  const [field, values] = [...message][0] ?? [0, []];
  if (message.size !== 1 || values.length !== 1) throw new RangeError('An attribute has one value.');
  switch (field) {
    case 2:
      return String(values[0]);
    case 3:
    case 4:
    case 6:
      return values[0] as number;
    case 5:
      return values[0] === 1;
    case 7:
      return { shape: readShape(only(message, 7)) };
    case 8:
      return readConstant(only(message, 8));
    default:
      throw new RangeError(`attribute field ${field}`);
  }
}

const FLOAT = 1;
const INT32 = 3;
const BOOL = 10;

function readConstant(message: Message): Constant {
  const type = numbers(message, 1)[0] ?? 0;
  const shape = readShape(only(message, 2));
  const content = all(message, 4)[0] ?? Buffer.alloc(0);
  const size = type === BOOL ? 1 : 4;
  const values = Array.from({ length: content.length / size }, (_, index) => {
    if (type === FLOAT) return content.readFloatLE(index * size);
    if (type === INT32) return content.readInt32LE(index * size);
    if (type === BOOL) return content.readUInt8(index);
    throw new RangeError(`data type ${type}`);
  });
  if (values.length !== shape.reduce((product, length) => product * length, 1))
    throw new RangeError('A constant is torn.');
  return { type, shape, values };
}
