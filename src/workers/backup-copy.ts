// Copies a data directory in a process of its own (backup-worker.ts). Not in a thread: whoever closes a file gives up all locks that
// its process holds on it, so a thread that read the database would unlock it for a second server.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DomainError, type ErrorWire } from '../errors.ts';
import type { BackupRow } from '../storage/backups.ts';

const SCRIPT = fileURLToPath(new URL('./backup-worker.js', import.meta.url));

export interface BackupPlan {
  readonly id: string;
  readonly version: string;
  /** Of which the database's main file stays as it is until `copied`, and the files it names until the end. */
  readonly dataDir: string;
  /** Where the copy is put; not there yet. */
  readonly staging: string;
}

export type BackupMessage =
  /** The database may go on. */
  | { readonly type: 'copied' }
  | { readonly type: 'done'; readonly row: BackupRow }
  | { readonly type: 'failed'; readonly error: ErrorWire };

/**
 * A whole, durable and checked copy in `plan.staging`. Throws `disk_full`, `backup_failed` and what `signal` aborts with; what is
 * in `plan.staging` then is for the caller to delete, and nobody writes there any more.
 */
export async function copyDataDirectory(
  plan: BackupPlan,
  { onCopied, signal }: { readonly onCopied: () => void; readonly signal: AbortSignal },
): Promise<BackupRow> {
  signal.throwIfAborted();
  const child = fork(SCRIPT, [], { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let last: Exclude<BackupMessage, { type: 'copied' }> | null = null;
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const kill = () => void child.kill('SIGKILL');
  child.on('message', (received) => {
    const message = received as BackupMessage;
    if (message.type === 'copied') onCopied();
    else last = message;
  });
  signal.addEventListener('abort', kill, { once: true });
  try {
    if (child.connected) child.send(plan, () => undefined);
    const [code, ended] = await exited;
    signal.throwIfAborted();
    return rowOf(last, ended ?? `exit code ${code}`);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function rowOf(last: Exclude<BackupMessage, { type: 'copied' }> | null, how: string): BackupRow {
  if (last?.type === 'done') return last.row;
  if (last !== null) throw DomainError.from(last.error);
  throw new DomainError('backup_failed', `The process that copies ended (${how}); nothing was kept, try again.`);
}
