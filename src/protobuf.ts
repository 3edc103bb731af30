// Protocol-buffer wire format, writing only: https://protobuf.dev/programming-guides/encoding. Knows nothing of what is written.

/** A field, already encoded. */
export type Field = readonly Uint8Array[];

const text = new TextEncoder();

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  // 64-bit two's complement, as int64 fields want negative numbers.
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

const key = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);

export const integer = (field: number, value: number): Field => [key(field, 0), varint(value)];

export const float = (field: number, value: number): Field => [
  key(field, 5),
  new Uint8Array(Float32Array.of(value).buffer),
];

export const double = (field: number, value: number): Field => [
  key(field, 1),
  new Uint8Array(Float64Array.of(value).buffer),
];

export const bytes = (field: number, value: Uint8Array): Field => [key(field, 2), varint(value.length), value];

export const string = (field: number, value: string): Field => bytes(field, text.encode(value));

/** A sub-message made of fields. */
export function message(field: number, ...fields: readonly Field[]): Field {
  const parts = fields.flat();
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [key(field, 2), varint(length), ...parts];
}

export function encode(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.flat());
}
