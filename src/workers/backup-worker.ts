// The child process of one backup: copies the database, hard-links the files that it names, looks whether all of it is there.
import { constants, copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { DomainError, toWire } from '../errors.ts';
import { type BackupRow, syncFile, writeManifest } from '../storage/backups.ts';
import type { BlobRef } from '../storage/checkpoints.ts';
import { DATABASE_FILE } from '../storage/database.ts';
import type { BackupMessage, BackupPlan } from './backup-copy.ts';

/** Of file systems that cannot link this file, or not from there to here. */
const UNLINKABLE = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

if (process.send === undefined) throw new Error('backup-worker.ts runs as a child of the server only.');

// A server that was killed takes no backup any more, and the next one deletes what there is of it.
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the server ends this one when it closes.
process.on('SIGINT', () => undefined);
process.once('message', (plan) => void run(plan as BackupPlan));

async function run(plan: BackupPlan): Promise<void> {
  let last: BackupMessage;
  try {
    last = { type: 'done', row: await copy(plan) };
  } catch (error) {
    last = { type: 'failed', error: toWire(inOurWords(error, plan)) };
  }
  process.send?.(last, undefined, undefined, () => process.exit(0));
}

async function copy({ id, version, dataDir, staging }: BackupPlan): Promise<BackupRow> {
  await mkdir(join(staging, 'blobs'), { recursive: true });
  const file = join(staging, DATABASE_FILE);
  await copyFile(join(dataDir, DATABASE_FILE), file, constants.COPYFILE_FICLONE);
  process.send?.({ type: 'copied' } satisfies BackupMessage);
  const database = new Libsql(file);
  try {
    // No memory shared with anybody, so no file for it.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    const complaints = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
    const integrity = complaints.map((row) => row.integrity_check).join('; ');
    if (integrity !== 'ok')
      throw new DomainError('backup_failed', `The database is damaged, so its copy was not kept: ${integrity}.`);
    const files = namedFiles(database);
    const damaged = new Set<string>();
    for (const file of files)
      if (!(await takeAlong(file, join(dataDir, 'blobs'), join(staging, 'blobs')))) damaged.add(file.sha256);
    const count = (table: string) =>
      (database.prepare(`SELECT COUNT(*) AS count FROM ${table}`).get() as { count: number }).count;
    const row: BackupRow = {
      id,
      version,
      sizeBytes: (await stat(file)).size + files.reduce((sum, { bytes }) => sum + bytes, 0),
      agents: count('agents'),
      jobs: count('jobs'),
      checkpoints: count('checkpoints'),
      damaged: [...new Set(files.flatMap(({ sha256, owners }) => (damaged.has(sha256) ? owners : [])))].sort(),
      createdAt: new Date(),
    };
    database.close();
    await dropEmptyLog(file);
    await syncFile(file);
    await syncFile(join(staging, 'blobs'));
    await writeManifest(staging, row);
    await syncFile(staging);
    return row;
  } finally {
    if (database.open) database.close();
  }
}

interface NamedFile extends BlobRef {
  /** Ids of what names it. */
  readonly owners: readonly string[];
}

/** From whatever columns are called `sha256` and `bytes`, or end so: a database of another format has other tables. */
function namedFiles(database: InstanceType<typeof Libsql>): NamedFile[] {
  const columns = database
    .prepare(
      `SELECT tables.name AS "table", columns.name AS name FROM sqlite_master AS tables
       JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'`,
    )
    .all() as { table: string; name: string }[];
  const has = (table: string, name: string) => columns.some((column) => column.table === table && column.name === name);
  const files = new Map<string, { bytes: number; owners: string[] }>();
  for (const { table, name } of columns) {
    const size = name.replace(/sha256$/, 'bytes');
    const owner = OWNERS.find((candidate) => has(table, candidate));
    if (size === name || !has(table, size) || owner === undefined) continue;
    const rows = database
      .prepare(`SELECT ${name} AS sha256, ${size} AS bytes, ${owner} AS owner FROM ${table} WHERE ${name} IS NOT NULL`)
      .all() as { sha256: string; bytes: number; owner: string }[];
    for (const row of rows) {
      const known = files.get(row.sha256);
      if (known === undefined) files.set(row.sha256, { bytes: row.bytes, owners: [row.owner] });
      else known.owners.push(row.owner);
    }
  }
  return [...files].map(([sha256, file]) => ({ sha256, ...file }));
}

/** Which column says whose file it is, the first that a table has. */
const OWNERS = ['checkpoint_id', 'id', 'agent_id'] as const;

/** Whether it is there, as long as it was. One that is not is taken along as it is. */
async function takeAlong({ sha256, bytes }: BlobRef, from: string, to: string): Promise<boolean> {
  const [source, target] = [join(from, sha256), join(to, sha256)];
  try {
    await link(source, target);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (!UNLINKABLE.has(code)) throw error;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await syncFile(target);
  }
  return (await stat(target)).size === bytes;
}

/** Nothing was written, so the write-ahead log that opening made is empty; libsql leaves it there until its statements are collected. */
async function dropEmptyLog(file: string): Promise<void> {
  const log = `${file}-wal`;
  const { size } = await stat(log).catch(() => ({ size: 0 }));
  if (size > 0) throw new Error(`The write-ahead log of the copy has ${size} bytes instead of none.`);
  await rm(log, { force: true });
}

function inOurWords(error: unknown, { dataDir }: BackupPlan): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof DomainError) return error;
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') {
    const detail = `No space is left in ${dataDir} for a backup, so none was kept; free space, delete an older backup, or move --data-dir.`;
    return new DomainError('disk_full', detail, { cause: error });
  }
  return new DomainError('backup_failed', `The copy failed (${error.message}), so nothing was kept; try again.`, {
    cause: error,
  });
}
