// Named tensors and a JSON document about them as one safetensors file (https://github.com/huggingface/safetensors#format),
// readable from any language and holding nothing that runs. Knows bytes, not files, and not what the document says.
import { DomainError } from './errors.ts';
import { depthOf } from './json-depth.ts';
import { sizeOf, type Tensor, type Tensors, type TypedArray } from './math/tensor.ts';

/** A JSON object that says which format it is. */
export interface FileDocument {
  readonly format_version: number;
}

type ArrayConstructor = { new (buffer: ArrayBuffer): TypedArray; readonly BYTES_PER_ELEMENT: number };

/** In the order in which they stand in a file: wide elements first keeps every tensor aligned. */
const DTYPES: Readonly<Record<string, ArrayConstructor>> = {
  F64: Float64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U8: Uint8Array,
};

/** As the format's own reader has it: a larger header is an attack, not a file. */
const MAX_HEADER_BYTES = 100_000_000;
/** What walks a document later recurses. */
const MAX_DEPTH = 64;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The whole file; `document` stands under `gymserve` in its `__metadata__`. */
export function encodeSafetensors(document: FileDocument, tensors: Tensors): Uint8Array<ArrayBuffer> {
  const ordered = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, tensor, dtype: dtypeOf(tensor) }))
    .sort((a, b) => rank(a.dtype) - rank(b.dtype) || (a.name < b.name ? -1 : 1));
  const head = safetensorsHead(
    document,
    ordered.map(({ name, tensor, dtype }) => ({ name, dtype, shape: tensor.shape, bytes: tensor.data.byteLength })),
  );
  const length = ordered.reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0);
  const file = new Uint8Array(head.byteLength + length);
  file.set(head);
  let at = head.byteLength;
  for (const { tensor } of ordered) {
    const { data } = tensor;
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/** What stands in a file before the data of `tensors`, which follow in this order: wide elements first. */
export function safetensorsHead(
  document: FileDocument,
  tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly bytes: number;
  }[],
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: { gymserve: JSON.stringify(document) } };
  let length = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [length, length + bytes] } satisfies Entry;
    length += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const start = 8 + Math.ceil(text.byteLength / 8) * 8;
  const head = Buffer.alloc(start, ' ');
  head.writeBigUInt64LE(BigInt(start - 8), 0);
  text.copy(head, 8);
  return new Uint8Array(head.buffer, head.byteOffset, head.byteLength);
}

/**
 * What `encodeSafetensors` wrote; `what` names the file in errors, such as "checkpoint". The document is a JSON object of
 * format `version`, and otherwise as anybody may have written it.
 * Throws `checkpoint_corrupt` or, for a format that is not ours, `checkpoint_incompatible`.
 */
export function decodeSafetensors(
  file: Uint8Array,
  { what, version }: { readonly what: string; readonly version: number },
): { readonly document: Readonly<Record<string, unknown>> & FileDocument; readonly tensors: Tensors } {
  try {
    return decode(file, version);
  } catch (error) {
    if (!(error instanceof CorruptFile)) throw error;
    const detail = `The ${what} cannot be read: ${error.message}. Send the bytes as they were written.`;
    throw new DomainError('checkpoint_corrupt', detail, { cause: error });
  }
}

/** What is wrong with the bytes, to be put into a sentence. */
class CorruptFile extends Error {}

function decode(file: Uint8Array, version: number) {
  const { header, start } = readHeader(file);
  const document = documentOf(header, version);
  const tensors: Record<string, Tensor> = {};
  let expected = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    // Assigning it would change what the record inherits, not what it holds.
    if (name === '__proto__') throw new CorruptFile(`a tensor has the name "${name}"`);
    const { dtype, shape, data_offsets: offsets } = entryOf(name, value);
    const type = Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
    if (type === undefined) {
      const known = Object.keys(DTYPES).join(', ');
      throw new CorruptFile(`tensor ${quote(name)} has the dtype ${quote(dtype)}; known: ${known}`);
    }
    const [from, to] = offsets;
    // Without holes and overlaps, as the format demands: each tensor begins where the one before ended.
    if (from !== expected || to - from !== sizeOf(shape) * type.BYTES_PER_ELEMENT || start + to > file.byteLength) {
      const claim = `of shape [${quote(shape.join(', '))}] claims bytes ${from} to ${to} of ${file.byteLength - start}`;
      throw new CorruptFile(`tensor ${quote(name)} ${claim}`);
    }
    expected = to;
    const bytes = new Uint8Array(to - from);
    bytes.set(file.subarray(start + from, start + to));
    tensors[name] = { shape, data: new type(bytes.buffer) };
  }
  if (start + expected !== file.byteLength)
    throw new CorruptFile(`${file.byteLength - start - expected} bytes belong to no tensor`);
  return { document, tensors };
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (view.byteLength < 8) throw new CorruptFile(`it has ${view.byteLength} bytes; a safetensors file has at least 8`);
  const length = view.readBigUInt64LE(0);
  if (length > BigInt(Math.min(view.byteLength - 8, MAX_HEADER_BYTES)))
    throw new CorruptFile(`its header claims ${length} of ${view.byteLength} bytes`);
  const start = 8 + Number(length);
  const header = parseJson(view.toString('utf8', 8, start), 'header');
  if (!isRecord(header)) throw new CorruptFile('its header is not a JSON object');
  return { header, start };
}

function documentOf(header: Record<string, unknown>, version: number): Record<string, unknown> & FileDocument {
  const metadata = header['__metadata__'];
  const text = isRecord(metadata) ? metadata['gymserve'] : undefined;
  if (typeof text !== 'string') {
    throw new DomainError(
      'checkpoint_incompatible',
      'The file has no "gymserve" document in its metadata; only files of Gymserve can be loaded.',
    );
  }
  const document = parseJson(text, '"gymserve" document');
  if (!isRecord(document) || document['format_version'] !== version) {
    const found = isRecord(document) ? (JSON.stringify(document['format_version']) ?? 'none').slice(0, 60) : 'unknown';
    throw new DomainError(
      'checkpoint_incompatible',
      `The file has format version ${found}; this Gymserve reads ${version}. Use the Gymserve that wrote it.`,
    );
  }
  return document as Record<string, unknown> & FileDocument;
}

function parseJson(text: string, what: string): unknown {
  if (depthOf(text) > MAX_DEPTH) throw new CorruptFile(`its ${what} is nested more than ${MAX_DEPTH} levels deep`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CorruptFile(`its ${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function entryOf(name: string, value: unknown): Entry {
  const isCount = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= 0;
  const wellFormed =
    isRecord(value) &&
    typeof value['dtype'] === 'string' &&
    Array.isArray(value['shape']) &&
    value['shape'].every(isCount) &&
    Array.isArray(value['data_offsets']) &&
    value['data_offsets'].length === 2 &&
    value['data_offsets'].every(isCount);
  if (!wellFormed) throw new CorruptFile(`the header's entry ${quote(name)} is not {dtype, shape, data_offsets}`);
  return value as unknown as Entry;
}

function dtypeOf({ data }: Tensor): string {
  const found = Object.entries(DTYPES).find(([, type]) => data instanceof type);
  if (found === undefined) throw new TypeError(`Safetensors files here hold no ${data.constructor.name}.`);
  return found[0];
}

function rank(dtype: string): number {
  return Object.keys(DTYPES).indexOf(dtype);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a stranger wrote, short enough to be read. */
function quote(text: string): string {
  return text.length > 60 ? `"${text.slice(0, 60)}…"` : `"${text}"`;
}
