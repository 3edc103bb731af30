// Immutable files named by the SHA-256 of their content, under `dataDir/blobs`. Written by workers, swept by the main thread.
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DomainError } from '../errors.ts';
import type { BlobRef } from './checkpoints.ts';

const TEMPORARY = '.tmp-';
/** Before the digest of a blob that a sweep is about to delete. */
const SWEPT = '.swept-';

/** A blob that nothing named when a sweep came by, and its time of change then. */
interface Suspect {
  readonly mtimeMs: number;
  /** On a clock that nobody sets, and that stands still while the machine sleeps. */
  readonly since: number;
}

export class Blobs {
  readonly #folder: string;
  readonly #suspects = new Map<string, Suspect>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'blobs');
    mkdirSync(this.#folder, { recursive: true });
  }

  /**
   * Stores `content`, synchronously and durably: after the return it survives a power cut.
   * For worker threads; the main thread must not wait for disks. Throws `disk_full`, and leaves nothing half written.
   */
  write(content: Uint8Array): BlobRef {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const ref = { sha256, bytes: content.byteLength };
    if (this.#holds(ref, content)) return ref;
    mkdirSync(this.#folder, { recursive: true });
    const temporary = join(this.#folder, `${TEMPORARY}${randomUUID()}`);
    try {
      const file = openSync(temporary, 'wx', 0o600);
      try {
        for (let at = 0; at < content.byteLength; ) at += writeSync(file, content, at);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.#pathOf(sha256));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw isFull(error) ? this.#diskFull(content.byteLength, error) : error;
    }
    syncFolder(this.#folder);
    return ref;
  }

  /**
   * Path of the file; errors call it a `part` of the checkpoint.
   * Throws `checkpoint_corrupt` where it is missing or has another length.
   */
  async find({ sha256, bytes }: BlobRef, part = 'model'): Promise<string> {
    const path = this.#pathOf(sha256);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw corrupt(sha256, part, 'is missing');
      throw error;
    });
    if (found.size !== bytes) throw corrupt(sha256, part, `has ${found.size} bytes instead of ${bytes}`);
    return path;
  }

  /** The content, checked against its digest. Throws `checkpoint_corrupt` where it is missing or was changed. */
  async read(ref: BlobRef, part = 'model'): Promise<Uint8Array> {
    const content = await readFile(await this.find(ref, part));
    const { sha256 } = ref;
    if (createHash('sha256').update(content).digest('hex') !== sha256) throw corrupt(sha256, part, 'was changed');
    return content;
  }

  /**
   * Deletes what no checkpoint named at any sweep for `minAgeMs` and nobody wrote meanwhile; returns whether something waits
   * for that. A blob is named only after it was written, so what nothing names yet may be about to be named. A job names
   * again what it does not write again only while the checkpoint that named it before stands (`Checkpoints.remove`).
   * At start nothing writes yet, and 0 clears at once what a crash left behind.
   */
  async sweep(named: ReadonlySet<string>, minAgeMs: number): Promise<boolean> {
    const before = new Map(this.#suspects);
    this.#suspects.clear();
    for (const name of await readdir(this.#folder)) {
      if (named.has(name)) continue;
      const found = await stat(this.#pathOf(name)).catch(() => null);
      // Renamed meanwhile by who wrote it.
      if (found === null) continue;
      const { mtimeMs } = found;
      const known = before.get(name);
      const suspect = known?.mtimeMs === mtimeMs ? known : { mtimeMs, since: performance.now() };
      if (performance.now() - suspect.since < minAgeMs) this.#suspects.set(name, suspect);
      else await this.#delete(name, mtimeMs, named);
    }
    return this.#suspects.size > 0;
  }

  /** Unless it is written again in this very moment: `write` makes what is there young, or misses it and writes anew. */
  async #delete(name: string, mtimeMs: number, named: ReadonlySet<string>): Promise<void> {
    const sha256 = name.startsWith(SWEPT) ? name.slice(SWEPT.length) : name;
    const aside = this.#pathOf(`${SWEPT}${sha256}`);
    if (name === sha256) await rename(this.#pathOf(name), aside);
    // A crash may have come between; what is named by now must come back.
    const isNeeded = name === sha256 ? (await stat(aside)).mtimeMs !== mtimeMs : named.has(sha256);
    if (isNeeded) await rename(aside, this.#pathOf(sha256));
    else await rm(aside, { force: true });
  }

  #diskFull(bytes: number, cause: unknown): DomainError {
    return new DomainError(
      'disk_full',
      `No space is left in ${this.#folder} for ${bytes} bytes; free space or move --data-dir; the last checkpoint stands.`,
      { cause },
    );
  }

  #pathOf(sha256: string): string {
    return join(this.#folder, sha256);
  }

  /** Whether it is there as it should be. One that was damaged is written anew, which makes whole whatever else names it. */
  #holds({ sha256, bytes }: BlobRef, content: Uint8Array): boolean {
    const path = this.#pathOf(sha256);
    if (statSync(path, { throwIfNoEntry: false })?.size !== bytes || !hasContent(path, content)) return false;
    // Young again: a sweep must not take it between here and the moment that a checkpoint names it.
    const now = new Date();
    try {
      utimesSync(path, now, now);
      return true;
    } catch (error) {
      // A sweep was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
}

function hasContent(path: string, content: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(content);
  } catch {
    // Swept meanwhile, or on a part of the disk that cannot be read: written anew in either case.
    return false;
  }
}

/** The disk, or what the user may use of it. */
function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function corrupt(sha256: string, part: string, what: string): DomainError {
  return new DomainError(
    'checkpoint_corrupt',
    `The stored file ${sha256} (${part}) ${what}; restore another checkpoint of the agent, or bring the data directory back from a backup.`,
  );
}

// A rename is durable only once its directory is.
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
