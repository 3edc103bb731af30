// The one database: opened by the main thread alone, locked against a second server, migrated at start.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DomainError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { MIGRATIONS } from './migrations.ts';

export type Database = InstanceType<typeof Libsql>;

/** In the data directory. */
export const DATABASE_FILE = 'gymserve.db';
/** Of the write-ahead log, after which a commit brings them into the main file: SQLite's own default. */
const CHECKPOINT_PAGES = 1000;

/**
 * Opens `dataDir/gymserve.db`, made if it is not there, and brings it to the newest format where `migrates`, as by default.
 * Throws `data_dir_in_use` where another server holds it, and `checkpoint_incompatible` where a newer Gymserve wrote it.
 */
export function openDatabase(dataDir: string, { migrates = true } = {}): Database {
  makeFolder(dataDir);
  const file = join(dataDir, DATABASE_FILE);
  const isNew = !existsSync(file);
  const database = new Libsql(file);
  try {
    // The operating system lets go of an exclusive lock when its process ends, however it ends: no stale lock files.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA foreign_keys = ON');
    const version = isNew ? 0 : versionOf(database);
    migrate(database, version, migrates ? MIGRATIONS.length : version, dataDir);
  } catch (error) {
    database.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') {
      throw new DomainError(
        'data_dir_in_use',
        `The data directory ${dataDir} is in use by another Gymserve; stop that one, or give this one its own --data-dir.`,
      );
    }
    throw error;
  }
  return database;
}

/**
 * Brings all that was committed into the main file, which is then whole by itself and stays as it is, for another process to
 * copy, until the function that this returns is called: commits go to the write-ahead log alone.
 */
export function freezeMainFile(database: Database): () => void {
  const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
  if (busy !== 0) throw new Error('The write-ahead log is being read, and nobody else should have the database.');
  database.exec('PRAGMA wal_autocheckpoint = 0');
  return () => void database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/** Runs `work` in one transaction: all of it is stored, or nothing. */
export function transaction<T>(database: Database, work: () => T): T {
  if (database.inTransaction) return work();
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has rolled it back already; to do so again would throw, and hide what went wrong.
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: Database): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
}

function migrate(database: Database, version: number, to: number, dataDir: string): void {
  if (version > MIGRATIONS.length) {
    throw new DomainError(
      'checkpoint_incompatible',
      `The data directory ${dataDir} has format ${version}; this Gymserve knows ${MIGRATIONS.length}. Use the newer Gymserve that wrote it, or another --data-dir.`,
    );
  }
  transaction(database, () => {
    for (const sql of MIGRATIONS.slice(version, to)) database.exec(sql);
    // Takes the exclusive lock even where nothing was migrated.
    database.exec(`PRAGMA user_version = ${to}`);
  });
}
