// Bytes that are nearly right: what a bug, a broken disk or a stranger makes of a file, a message or a frame.
import type { Pcg64 } from '../../src/math/pcg64.ts';

/** One of `list`. */
export function pick<T>(rng: Pcg64, list: readonly T[]): T {
  return list[Math.floor(rng.random() * list.length)] as T;
}

/** A whole number below `end`. */
export function below(rng: Pcg64, end: number): number {
  return Math.floor(rng.random() * end);
}

export function noise(rng: Pcg64, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(rng, 256)));
}

/** Lengths and counts that parsers get wrong. */
const EDGES = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];

/** `bytes` with one to three things wrong: flipped, cut off, doubled, removed, put in, or a number of it made extreme. */
export function mutated(rng: Pcg64, bytes: Uint8Array): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let round = 1 + below(rng, 3); round > 0; round--) result = once(rng, result);
  return result;
}

function once(rng: Pcg64, bytes: Buffer): Buffer {
  const at = below(rng, bytes.length + 1);
  const rest = bytes.subarray(at);
  const some = rest.subarray(0, 1 + below(rng, 16));
  switch (below(rng, 6)) {
    case 0: {
      if (rest.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << below(rng, 8));
      return bytes;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), some, rest]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(some.length)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), noise(rng, 1 + below(rng, 8)), rest]);
    default: {
      const [size, edge] = [pick(rng, [1, 2, 4]), pick(rng, EDGES)];
      if (rest.length < size) return bytes;
      const value = edge % 2 ** (8 * size);
      if (rng.random() < 0.5) bytes.writeUIntLE(value, at, size);
      else bytes.writeUIntBE(value, at, size);
      return bytes;
    }
  }
}

/** Values of JSON that stand where another was meant. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  2 ** 53,
  '',
  'NaN',
  '\u0000',
  'F64',
  '__proto__',
  [],
  [0],
  [[]],
  {},
  { constructor: 1 },
];

/** A JSON document with one value of it replaced, removed or renamed, at any depth. */
export function mutatedJson(rng: Pcg64, document: unknown): unknown {
  if (typeof document !== 'object' || document === null || rng.random() < 0.2) return pick(rng, STRANGE);
  const copy: Record<string, unknown> | unknown[] = Array.isArray(document) ? [...document] : { ...document };
  const keys = Object.keys(copy);
  const key = keys[below(rng, keys.length)];
  if (key === undefined) return pick(rng, STRANGE);
  const members = copy as Record<string, unknown>;
  const how = rng.random();
  if (how < 0.15) delete members[key];
  else if (how < 0.25 && !Array.isArray(copy)) {
    members[`${key}_`] = members[key];
    delete members[key];
  } else members[key] = mutatedJson(rng, members[key]);
  return copy;
}

/** A safetensors file with something wrong in its bytes, in its header, or in the document about it. */
export function malformedSafetensors(rng: Pcg64, file: Uint8Array): Buffer {
  const how = rng.random();
  if (how < 0.1) return noise(rng, below(rng, 200));
  if (how < 0.5) return mutated(rng, file);
  const bytes = Buffer.from(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  if (how < 0.75) return withHeader(mutatedJson(rng, header), bytes.subarray(start));
  const metadata = header.__metadata__;
  const document = mutatedJson(rng, JSON.parse(metadata.gymserve));
  return withHeader(
    { ...header, __metadata__: { ...metadata, gymserve: JSON.stringify(document) } },
    bytes.subarray(start),
  );
}

function withHeader(header: unknown, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** A WebSocket frame of a client (RFC 6455 §5.2), masked with zeros; what is given instead of what is right is taken as it is. */
export function websocketFrame(
  payload: Uint8Array,
  { first = 0x82, masked = true, length = payload.length }: { first?: number; masked?: boolean; length?: number } = {},
): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([first, mask | length])
      : Buffer.from([first, mask | 126, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([head, ...(masked ? [Buffer.alloc(4)] : []), payload]);
}
