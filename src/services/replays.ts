// The replay buffers of checkpoints as files of their own: put together from segments while they are sent, never held whole.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { decodeCheckpoint } from '../agent/checkpoint.ts';
import { DomainError } from '../errors.ts';
import { type Tensor, take, under } from '../math/tensor.ts';
import { safetensorsHead } from '../safetensors.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { ExperienceRef, NamedBlob } from '../storage/checkpoints.ts';
import type { Checkpoints } from './checkpoints.ts';

export interface ReplayFile {
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Its bytes from `start` to `end`, both counted in. */
  read(start: number, end: number): Readable;
}

/** Where a learner keeps its replay in the experience of a checkpoint. */
const PLACE = 'learner/replay';
const VERSION = 1;
/** Tables that a checkpoint has cut into segments; in this file each is one tensor. */
const TABLES = ['rows', 'finals'] as const;
/** Digests that are remembered: to find one means to read the file. */
const DIGESTS = 256;

/** Bytes of the file, in memory or in another file. */
type Part = { readonly bytes: number } & (
  | { readonly data: Uint8Array }
  | { readonly path: string; readonly offset: number }
);

export class Replays {
  readonly #checkpoints: Checkpoints;
  readonly #blobs: Blobs;
  /** By checkpoint, the oldest first. */
  readonly #digests = new Map<string, Promise<string>>();

  constructor(options: { readonly checkpoints: Checkpoints; readonly blobs: Blobs }) {
    this.#checkpoints = options.checkpoints;
    this.#blobs = options.blobs;
  }

  /** How many transitions the checkpoint's replay holds; 0 where it has none. */
  async sizeOf(checkpointId: string): Promise<number> {
    const { experience } = this.#checkpoints.stateOf(checkpointId);
    const found = experience && (await this.#smallOf(experience));
    if (!found) return 0;
    // By lane: cursor, size, ended, terminated.
    const { data } = take(found.tensors, 'lanes', Int32Array);
    return data.reduce((sum, value, i) => (i % 4 === 1 ? sum + value : sum), 0);
  }

  /** Throws `checkpoint_not_found`, `replay_not_found`, or `checkpoint_corrupt` where a part of it is missing. */
  async file(checkpointId: string): Promise<ReplayFile> {
    const parts = await this.#partsOf(checkpointId);
    const sizeBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    const sha256 = await this.#digestOf(checkpointId, parts);
    return { sizeBytes, sha256, read: (start, end) => Readable.from(bytesOf(parts, start, end)) };
  }

  async #partsOf(checkpointId: string): Promise<readonly Part[]> {
    const { experience } = this.#checkpoints.stateOf(checkpointId);
    const found = experience && (await this.#smallOf(experience));
    if (!found) {
      throw new DomainError(
        'replay_not_found',
        `Checkpoint ${checkpointId} has no replay: it was imported, written before any learning, or by an algorithm that keeps none. Take a checkpoint that a job wrote.`,
      );
    }
    const tables = await Promise.all(TABLES.map((table) => this.#tableOf(experience, table)));
    // Of the small ones the wide elements first; the tables are float32 as the widest of these.
    const small = Object.entries(found.tensors).sort(([a, x], [b, y]) => rank(x) - rank(y) || (a < b ? -1 : 1));
    const head = safetensorsHead({ ...found.document, format_version: VERSION, kind: 'replay' } as never, [
      ...tables.flatMap(({ entry }) => (entry === null ? [] : [entry])),
      ...small.map(([name, { shape, data }]) => ({
        name,
        shape,
        bytes: data.byteLength,
        dtype: data instanceof Float32Array ? 'F32' : 'I32',
      })),
    ]);
    return [inMemory(head), ...tables.flatMap(({ parts }) => parts), ...small.map(([, { data }]) => inMemory(data))];
  }

  /** The small tensors of the replay by their own names, and what the experience says of itself; null where there is no replay. */
  async #smallOf({ file }: ExperienceRef) {
    const { document, tensors } = decodeCheckpoint(await this.#blobs.read(file, 'experience'));
    const own = under(PLACE, tensors);
    return own['lanes'] === undefined ? null : { document, tensors: own };
  }

  /** Where the segments of a table lie, as one tensor. */
  async #tableOf({ segments }: ExperienceRef, table: string) {
    const prefix = `${PLACE}/${table}/`;
    const indexOf = ({ name }: NamedBlob) => Number(name.slice(prefix.length));
    const own = segments.filter(({ name }) => name.startsWith(prefix)).sort((a, b) => indexOf(a) - indexOf(b));
    const located: Located[] = [];
    // One after the other: there may be hundreds, and no need to have all open at once.
    for (const segment of own) located.push(await this.#locate(segment));
    const bytes = located.reduce((sum, { part }) => sum + part.bytes, 0);
    const rows = located.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
    const entry =
      located[0] === undefined ? null : { name: table, dtype: 'F32', shape: [rows, located[0].shape[1] ?? 0], bytes };
    return { entry, parts: located.map(({ part }) => part) };
  }

  async #locate(segment: NamedBlob): Promise<Located> {
    const path = await this.#blobs.find(segment, `segment ${segment.name}`);
    const file = await open(path);
    try {
      const length = Number((await read(file, 0, 8)).readBigUInt64LE(0));
      const header = JSON.parse((await read(file, 8, length)).toString('utf8')) as Record<string, Entry>;
      const entry = header[segment.name];
      if (entry?.dtype !== 'F32' || 8 + length + entry.data_offsets[1] !== segment.bytes)
        throw new SyntaxError('holds another tensor');
      const [from, to] = entry.data_offsets;
      return { shape: entry.shape, part: { path, offset: 8 + length + from, bytes: to - from } };
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
      throw new DomainError(
        'checkpoint_corrupt',
        `The stored file ${segment.sha256} (segment ${segment.name}) was changed: ${error.message}. Take another checkpoint, or bring the data directory back from a backup.`,
        { cause: error },
      );
    } finally {
      await file.close();
    }
  }

  async #digestOf(checkpointId: string, parts: readonly Part[]): Promise<string> {
    const known = this.#digests.get(checkpointId) ?? digestOf(parts);
    this.#digests.set(checkpointId, known);
    for (const oldest of this.#digests.keys()) {
      if (this.#digests.size <= DIGESTS) break;
      this.#digests.delete(oldest);
    }
    return await known.catch((error: unknown) => {
      this.#digests.delete(checkpointId);
      throw error;
    });
  }
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

interface Located {
  readonly shape: readonly number[];
  readonly part: Part;
}

const rank = ({ data }: Tensor): number => (data instanceof Float32Array ? 0 : 1);

function inMemory({ buffer, byteOffset, byteLength }: ArrayBufferView): Part {
  return { bytes: byteLength, data: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) };
}

async function read(file: Awaited<ReturnType<typeof open>>, position: number, length: number): Promise<Buffer> {
  // No header of a segment is near this; a length that is came from a file that was changed.
  if (length > 65_536) throw new RangeError(`its header claims ${length} bytes`);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new RangeError('it ends in its header');
  return buffer;
}

async function* bytesOf(parts: readonly Part[], start: number, end: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const part of parts) {
    const first = Math.max(0, start - at);
    const last = Math.min(part.bytes - 1, end - at);
    at += part.bytes;
    if (first > last) continue;
    if ('data' in part) yield part.data.subarray(first, last + 1);
    else yield* createReadStream(part.path, { start: part.offset + first, end: part.offset + last });
  }
}

async function digestOf(parts: readonly Part[]): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytesOf(parts, 0, Number.POSITIVE_INFINITY)) hash.update(chunk);
  return hash.digest('hex');
}
