// Backups: copies of everything that outlives the server, taken while it runs. Each is a data directory that a server can start on.
import { DomainError } from '../errors.ts';
import type { BackupFolders, BackupRow } from '../storage/backups.ts';
import { type Database, freezeMainFile } from '../storage/database.ts';
import type { Page, PageQuery } from '../storage/page.ts';
import { NEWEST, pageOf } from '../storage/page.ts';
import { copyDataDirectory } from '../workers/backup-copy.ts';
import { newId } from './ids.ts';

export type BackupRecord = BackupRow;

export class Backups {
  readonly #database: Database;
  readonly #folders: BackupFolders;
  readonly #dataDir: string;
  readonly #version: string;
  readonly #settle: () => void;
  readonly #holdSweeps: () => () => void;
  readonly #closing = new AbortController();
  #running: Promise<BackupRecord> | null = null;

  constructor(options: {
    readonly database: Database;
    readonly folders: BackupFolders;
    readonly dataDir: string;
    /** Of Gymserve. */
    readonly version: string;
    /** Stores what waits to be stored. */
    readonly settle: () => void;
    /** See `Checkpoints.holdSweeps`. */
    readonly holdSweeps: () => () => void;
  }) {
    this.#database = options.database;
    this.#folders = options.folders;
    this.#dataDir = options.dataDir;
    this.#version = options.version;
    this.#settle = options.settle;
    this.#holdSweeps = options.holdSweeps;
  }

  /** Takes one. Throws `backup_running` while another is taken, `disk_full`, `backup_failed`, and `not_ready` where the server closes. */
  async create(): Promise<BackupRecord> {
    if (this.#closing.signal.aborted) throw closes();
    if (this.#running !== null) {
      throw new DomainError('backup_running', 'A backup is being taken; wait for its end before you ask for another.');
    }
    this.#running = this.#take(newId('bkp'));
    try {
      return await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async list({ pageSize, pageToken }: PageQuery): Promise<Page<BackupRecord>> {
    const rows = (await this.#folders.list()).filter(({ id }) => id < (pageToken ?? NEWEST));
    return pageOf(rows.slice(0, pageSize + 1), pageSize);
  }

  /** Throws `backup_not_found`. */
  async get(id: string): Promise<BackupRecord> {
    // Looked for among those that there are: what a client sends never becomes a path.
    const row = (await this.#folders.list()).find((candidate) => candidate.id === id);
    if (row === undefined)
      throw new DomainError('backup_not_found', `There is no backup ${id}; GET /v1/backups lists all of them.`);
    return row;
  }

  async delete(id: string): Promise<void> {
    const row = await this.get(id);
    await this.#folders.remove(row.id);
  }

  /** Gives up the one that is being taken. */
  async close(): Promise<void> {
    this.#closing.abort(closes());
    await this.#running?.catch(() => undefined);
  }

  async #take(id: string): Promise<BackupRecord> {
    const staging = this.#folders.stagingOf(id);
    // All in one turn of the event loop: what the database names now is what the copy will name.
    this.#settle();
    const release = this.#holdSweeps();
    let thaw: (() => void) | null = null;
    const goOn = () => {
      thaw?.();
      thaw = null;
    };
    try {
      thaw = freezeMainFile(this.#database);
      const plan = { id, version: this.#version, dataDir: this.#dataDir, staging };
      const row = await copyDataDirectory(plan, { onCopied: goOn, signal: this.#closing.signal });
      await this.#folders.commit(id);
      return row;
    } catch (error) {
      await this.#folders.discard(id);
      throw error;
    } finally {
      goOn();
      release();
    }
  }
}

function closes(): DomainError {
  return new DomainError('not_ready', 'The server closes and takes no backup; ask again once it is back.');
}
