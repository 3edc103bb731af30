// What an ONNX file says of itself, out of its bytes: onnxruntime shows inputs and outputs in Node, and no metadata.
// Fields of ModelProto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.

export interface OnnxFile {
  readonly producer: string;
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const MODEL = { producer: 2, version: 3, description: 6, metadata: 14 } as const;
const ENTRY = { key: 1, value: 2 } as const;

export function readOnnxFile(file: Uint8Array): OnnxFile {
  const fields = bytesFields(file);
  const text = (among: readonly BytesField[], number: number): string =>
    String(among.find((field) => field.number === number)?.bytes ?? '');
  const entries = fields.filter(({ number }) => number === MODEL.metadata).map(({ bytes }) => bytesFields(bytes));
  return {
    producer: text(fields, MODEL.producer),
    version: text(fields, MODEL.version),
    description: text(fields, MODEL.description),
    metadata: Object.fromEntries(entries.map((entry) => [text(entry, ENTRY.key), text(entry, ENTRY.value)])),
  };
}

interface BytesField {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The fields of a message that hold bytes; of the others only integers occur where this looks. */
function bytesFields(message: Uint8Array): BytesField[] {
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const fields: BytesField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = buffer.readUInt8(at);
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < buffer.length) {
    const key = varint();
    const length = varint();
    if (key % 8 === 0) continue;
    if (key % 8 !== 2) throw new Error(`Field ${key >> 3} is of wire type ${key % 8}.`);
    fields.push({ number: key >> 3, bytes: buffer.subarray(at, at + length) });
    at += length;
  }
  return fields;
}
