// Immutable files named by the SHA-256 of their content, under `dataDir/blobs`. Written by workers, swept by the main thread.
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '../errors.ts';
import type { BlobRef } from './checkpoints.ts';

const TEMPORARY = '.tmp-';

export class Blobs {
  readonly #folder: string;

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
    if (this.#holds(ref)) return ref;
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

  /** Path of the file. Throws `checkpoint_corrupt` where it is missing or has another length. */
  async find({ sha256, bytes }: BlobRef): Promise<string> {
    const path = this.#pathOf(sha256);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw corrupt(sha256, 'is missing');
      throw error;
    });
    if (found.size !== bytes) throw corrupt(sha256, `has ${found.size} bytes instead of ${bytes}`);
    return path;
  }

  /** The content, checked against its digest. Throws `checkpoint_corrupt` where it is missing or was changed. */
  async read(ref: BlobRef): Promise<Uint8Array> {
    const content = await readFile(await this.find(ref));
    const { sha256 } = ref;
    if (createHash('sha256').update(content).digest('hex') !== sha256) throw corrupt(sha256, 'was changed');
    return content;
  }

  /**
   * Deletes what no checkpoint names and is older than `minAgeMs`. A blob is named only after it was written, so a
   * young one may be about to be; at start nothing writes yet, and 0 clears what a crash left behind.
   */
  async sweep(named: ReadonlySet<string>, minAgeMs: number): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (named.has(name)) continue;
      const { mtimeMs } = await stat(this.#pathOf(name));
      if (Date.now() - mtimeMs >= minAgeMs) await rm(this.#pathOf(name), { force: true });
    }
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

  #holds({ sha256, bytes }: BlobRef): boolean {
    const path = this.#pathOf(sha256);
    if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false;
    // Young again: a sweep must not take it between here and the moment that a checkpoint names it.
    const now = new Date();
    utimesSync(path, now, now);
    return true;
  }
}

/** The disk, or what the user may use of it. */
function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function corrupt(sha256: string, what: string): DomainError {
  return new DomainError(
    'checkpoint_corrupt',
    `The stored file ${sha256} ${what}; restore another checkpoint of the agent, or bring the data directory back from a backup.`,
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
