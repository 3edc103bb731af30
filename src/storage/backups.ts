// Backups as folders under `dataDir/backups`, each a data directory of its own. One that is not whole has a temporary name.
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface BackupRow {
  readonly id: string;
  /** Of Gymserve. */
  readonly version: string;
  /** Of the database and all files it names, those that the disk holds but once included. */
  readonly sizeBytes: number;
  readonly agents: number;
  readonly jobs: number;
  readonly checkpoints: number;
  /** Ids of which a file was missing, or not as long as it was written, already then: everything else is there. */
  readonly damaged: readonly string[];
  readonly createdAt: Date;
}

const MANIFEST = 'backup.json';
const TEMPORARY = '.tmp-';
const MANIFEST_VERSION = 1;
/** A copy of a server that was killed may write for a moment longer into what is being deleted. */
const REMOVAL = { recursive: true, force: true, maxRetries: 5 } as const;

export class BackupFolders {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'backups');
  }

  /** Where a backup is put together. */
  stagingOf(id: string): string {
    return join(this.#folder, `${TEMPORARY}${id}`);
  }

  pathOf(id: string): string {
    return join(this.#folder, id);
  }

  /** Newest first. What is no backup, or of a newer Gymserve, is left out. */
  async list(): Promise<BackupRow[]> {
    const names = await readdir(this.#folder).catch(whereMissing([]));
    const wanted = names.filter((name) => !name.startsWith('.'));
    const rows = await Promise.all(wanted.map((name) => this.#read(name)));
    return rows.flatMap((row) => row ?? []).sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** The staged folder becomes the backup, all at once. It must be durable already. */
  async commit(id: string): Promise<void> {
    await rename(this.stagingOf(id), this.pathOf(id));
    await syncFile(this.#folder);
  }

  /** Never leaves a part that looks like a whole. */
  async remove(id: string): Promise<void> {
    await rename(this.pathOf(id), this.stagingOf(id));
    await this.discard(id);
  }

  /** Deletes what is staged. */
  async discard(id: string): Promise<void> {
    await rm(this.stagingOf(id), REMOVAL);
  }

  /** Deletes what a crash left behind. */
  async sweepAtStart(): Promise<void> {
    const names = await readdir(this.#folder).catch(whereMissing([]));
    for (const name of names) if (name.startsWith(TEMPORARY)) await rm(join(this.#folder, name), REMOVAL);
  }

  async #read(name: string): Promise<BackupRow | null> {
    try {
      const row = JSON.parse(await readFile(join(this.pathOf(name), MANIFEST), 'utf8')) as Manifest;
      if (row.format !== MANIFEST_VERSION || row.id !== name) return null;
      return { ...row, createdAt: new Date(row.createdAt) };
    } catch {
      return null;
    }
  }
}

type Manifest = Omit<BackupRow, 'createdAt'> & { readonly format: number; readonly createdAt: string };

/** Durably, as the last file of a backup. */
export async function writeManifest(folder: string, row: BackupRow): Promise<void> {
  const file = await open(join(folder, MANIFEST), 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ format: MANIFEST_VERSION, ...row }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a file, or the names in a folder, survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    await file.sync();
  } catch (error) {
    // Windows opens no folders, and makes their names durable by itself.
    if (process.platform !== 'win32') throw error;
  } finally {
    await file?.close();
  }
}

function whereMissing<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  };
}
