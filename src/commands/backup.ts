// `gymserve backup`: asks the server that has the data directory for one, or takes it here where no server has it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { backupOptionsOf, ConfigError } from '../config.ts';
import { DomainError } from '../errors.ts';
import { Backups } from '../services/backups.ts';
import { BackupFolders } from '../storage/backups.ts';
import { DATABASE_FILE, type Database, openDatabase } from '../storage/database.ts';
import { readServerUrl } from '../storage/server-url.ts';
import { post } from './post.ts';

const USAGE = `Usage: gymserve backup [--data-dir DIR] [--url URL] [--key KEY]

Copies the database and all files of checkpoints to backups/ID in the data directory, while the server works or while none does.
Start a server on a copy of that folder (--data-dir) to go on from there; keys are not in it.

  --data-dir  GYMSERVE_DATA_DIR  the data directory (./data)
  --url       GYMSERVE_URL       the server to ask (the one that has the data directory)
  --key       GYMSERVE_KEY       its key with the scope admin, where it asks for one; other users may see what a command line says
`;

interface Backup {
  readonly id: string;
  readonly sizeBytes: number;
  readonly damaged: readonly string[];
}

export async function backupCommand(argv: readonly string[], version: string): Promise<void> {
  const flags = parsed(argv);
  if (flags.help === true) return void process.stdout.write(USAGE);
  const { dataDir, url, key } = backupOptionsOf(flags);
  const backup = url === undefined ? await ofDataDirectory(dataDir, key, version) : await askServer(url, key);
  // Another server's data directory is where that server says it is.
  process.stdout.write(`${url === undefined ? join(dataDir, 'backups', backup.id) : backup.id}\n`);
  process.stderr.write(`${(backup.sizeBytes / 1e6).toFixed(1)} MB, most of it shared with the data directory.\n`);
  if (backup.damaged.length > 0)
    process.stderr.write(`Damaged already in the data directory: ${backup.damaged.join(', ')}.\n`);
}

function parsed(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { 'data-dir': text, url: text, key: text, help: { type: 'boolean', short: 'h' } } as const;
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

async function ofDataDirectory(dataDir: string, key: string | undefined, version: string): Promise<Backup> {
  if (!existsSync(join(dataDir, DATABASE_FILE)))
    throw new ConfigError(`There is no database in ${dataDir}; name the data directory of a server with --data-dir.`);
  const database = lockedOrNull(dataDir);
  if (database !== null) return await takeHere(database, dataDir, version);
  const url = readServerUrl(dataDir);
  if (url !== null) return await askServer(url, key);
  throw new ConfigError(
    `The data directory ${dataDir} is in use, and does not say by which server; name that server with --url.`,
  );
}

/** Of whatever format it is: who takes a backup before an upgrade wants what there was before it. */
function lockedOrNull(dataDir: string): Database | null {
  try {
    return openDatabase(dataDir, { migrates: false });
  } catch (error) {
    if (error instanceof DomainError && error.code === 'data_dir_in_use') return null;
    throw error;
  }
}

async function takeHere(database: Database, dataDir: string, version: string): Promise<Backup> {
  try {
    const folders = new BackupFolders(dataDir);
    await folders.sweepAtStart();
    const nothing = () => undefined;
    const backups = new Backups({ database, folders, dataDir, version, settle: nothing, holdSweeps: () => nothing });
    return await backups.create();
  } finally {
    database.close();
  }
}

async function askServer(url: string, key: string | undefined): Promise<Backup> {
  const {
    id,
    size_bytes: sizeBytes,
    damaged,
  } = await post<{ id: string; size_bytes: number; damaged: string[] }>(url, '/v1/backups', key);
  return { id, sizeBytes, damaged };
}
