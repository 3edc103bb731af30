// Checkpoints as bytes: one safetensors file each (https://github.com/huggingface/safetensors#format), readable from any
// language and holding nothing that runs. Knows bytes, not files.
import { DomainError } from '../errors.ts';
import { sizeOf, type Tensor, type Tensors, type TypedArray } from '../math/tensor.ts';

/** Files of a later format are refused. */
export const FORMAT_VERSION = 1;

/** What a checkpoint says of itself: the JSON document under `gymserve` in the file's `__metadata__`. */
export interface CheckpointDocument {
  readonly format_version: number;
  readonly kind: 'model' | 'experience';
  readonly algorithm: string;
  readonly spec_id: string;
  readonly env_kwargs: Readonly<Record<string, unknown>>;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Environment steps the agent has learnt from. */
  readonly timesteps: number;
  /** Name of the engine that trained it; null before any training. */
  readonly engine: string | null;
  /** What the engine compiled and for what: a run goes on byte for byte only under the same. Null before any training. */
  readonly engine_identity: string | null;
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

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The whole file. */
export function encodeCheckpoint(document: CheckpointDocument, tensors: Tensors): Uint8Array {
  const ordered = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, tensor, dtype: dtypeOf(tensor) }))
    .sort((a, b) => rank(a.dtype) - rank(b.dtype) || (a.name < b.name ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: { gymserve: JSON.stringify(document) } };
  let length = 0;
  for (const { name, tensor, dtype } of ordered) {
    const end = length + tensor.data.byteLength;
    header[name] = { dtype, shape: tensor.shape, data_offsets: [length, end] } satisfies Entry;
    length = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const start = 8 + Math.ceil(text.byteLength / 8) * 8;
  const file = Buffer.alloc(start + length, ' ');
  file.writeBigUInt64LE(BigInt(start - 8), 0);
  text.copy(file, 8);
  let at = start;
  for (const { tensor } of ordered) {
    const { data } = tensor;
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/** What `encodeCheckpoint` wrote. Throws `checkpoint_corrupt` or, for a format that is not ours, `checkpoint_incompatible`. */
export function decodeCheckpoint(file: Uint8Array): { document: CheckpointDocument; tensors: Tensors } {
  const { header, start } = readHeader(file);
  const document = documentOf(header);
  const tensors: Record<string, Tensor> = {};
  let expected = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = entryOf(name, value);
    const type = DTYPES[dtype];
    if (type === undefined)
      throw corrupt(`tensor "${name}" has the dtype ${dtype}; known: ${Object.keys(DTYPES).join(', ')}`);
    const [from, to] = offsets;
    // Without holes and overlaps, as the format demands: each tensor begins where the one before ended.
    if (from !== expected || to - from !== sizeOf(shape) * type.BYTES_PER_ELEMENT || start + to > file.byteLength) {
      throw corrupt(`tensor "${name}" of shape [${shape}] claims bytes ${from} to ${to} of ${file.byteLength - start}`);
    }
    expected = to;
    const bytes = new Uint8Array(to - from);
    bytes.set(file.subarray(start + from, start + to));
    tensors[name] = { shape, data: new type(bytes.buffer) };
  }
  if (start + expected !== file.byteLength)
    throw corrupt(`${file.byteLength - start - expected} bytes belong to no tensor`);
  return { document, tensors };
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (view.byteLength < 8) throw corrupt(`it has ${view.byteLength} bytes; a safetensors file has at least 8`);
  const length = view.readBigUInt64LE(0);
  if (length > BigInt(view.byteLength - 8)) throw corrupt(`its header claims ${length} of ${view.byteLength} bytes`);
  const start = 8 + Number(length);
  const header = parseJson(view.toString('utf8', 8, start), 'header');
  if (!isRecord(header)) throw corrupt('its header is not a JSON object');
  return { header, start };
}

function documentOf(header: Record<string, unknown>): CheckpointDocument {
  const metadata = header['__metadata__'];
  const text = isRecord(metadata) ? metadata['gymserve'] : undefined;
  if (typeof text !== 'string') {
    throw new DomainError(
      'checkpoint_incompatible',
      'The file has no "gymserve" document in its metadata; only files of Gymserve can be loaded.',
    );
  }
  const document = parseJson(text, '"gymserve" document') as CheckpointDocument;
  if (!isRecord(document) || document.format_version !== FORMAT_VERSION) {
    throw new DomainError(
      'checkpoint_incompatible',
      `The file has format version ${isRecord(document) ? document.format_version : 'unknown'}; this Gymserve reads ${FORMAT_VERSION}. Use the Gymserve that wrote it.`,
    );
  }
  return document;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw corrupt(`its ${what} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
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
  if (!wellFormed) throw corrupt(`the header's entry "${name}" is not {dtype, shape, data_offsets}`);
  return value as unknown as Entry;
}

function dtypeOf({ data }: Tensor): string {
  const found = Object.entries(DTYPES).find(([, type]) => data instanceof type);
  if (found === undefined) throw new TypeError(`Checkpoints hold no ${data.constructor.name}.`);
  return found[0];
}

function rank(dtype: string): number {
  return Object.keys(DTYPES).indexOf(dtype);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(what: string): DomainError {
  return new DomainError('checkpoint_corrupt', `The checkpoint cannot be read: ${what}.`);
}
