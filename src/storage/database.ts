// The one database: opened by the main thread alone, locked against a second server, migrated at start.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DomainError } from '../errors.ts';
import { MIGRATIONS } from './migrations.ts';

export type Database = InstanceType<typeof Libsql>;

/**
 * Opens `dataDir/gymserve.db`, made if it is not there.
 * Throws `data_dir_in_use` where another server holds it, and `checkpoint_incompatible` where a newer Gymserve wrote it.
 */
export function openDatabase(dataDir: string): Database {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'gymserve.db');
  const isNew = !existsSync(file);
  const database = new Libsql(file);
  try {
    // The operating system lets go of an exclusive lock when its process ends, however it ends: no stale lock files.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = NORMAL');
    database.exec('PRAGMA foreign_keys = ON');
    migrate(database, isNew ? 0 : versionOf(database), dataDir);
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

function migrate(database: Database, version: number, dataDir: string): void {
  if (version > MIGRATIONS.length) {
    throw new DomainError(
      'checkpoint_incompatible',
      `The data directory ${dataDir} has format ${version}; this Gymserve knows ${MIGRATIONS.length}. Use the newer Gymserve that wrote it, or another --data-dir.`,
    );
  }
  transaction(database, () => {
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
    // Takes the exclusive lock even where nothing was migrated.
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}
