// The server of a study, on a data directory that outlives it. Of a study that was killed, the server may live on: it is
// told to stop, and what it was doing goes on from its checkpoints.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type ServerProcess, startServer } from '../server-process.ts';

interface Owner {
  readonly study: number;
  readonly server: number | null;
}

const OWNER = 'study.json';
const STOP_WITHIN_MS = 60_000;

export async function startStudyServer(
  options: { readonly dataDir: string; readonly jobs: number; readonly threads: number },
  say: (line: string) => void,
): Promise<ServerProcess> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, OWNER);
  await takeOver(file, dataDir, say);
  const own = (server: number | null) =>
    writeFileSync(file, `${JSON.stringify({ study: process.pid, server } satisfies Owner)}\n`);
  own(null);
  const args = ['--max-running-jobs', String(options.jobs), '--threads', String(options.threads)];
  const server = await startServer({ dataDir, args });
  own(server.child.pid ?? null);
  return {
    ...server,
    stop: async () => {
      const code = await server.stop();
      rmSync(file, { force: true });
      return code;
    },
  };
}

async function takeOver(file: string, dataDir: string, say: (line: string) => void): Promise<void> {
  if (!existsSync(file)) return;
  const { study, server } = JSON.parse(readFileSync(file, 'utf8')) as Owner;
  // Process numbers are used again: by this one perhaps, and a server is ours only where it names this very directory.
  if (study !== process.pid && commandOf(study).includes('study.js'))
    throw new Error(`The study of process ${study} uses ${dataDir}; wait for its end or give another --data-dir.`);
  if (server === null || !commandOf(server).includes(dataDir)) return;
  say(`Stopping the server ${server} that an interrupted study left behind.`);
  process.kill(server, 'SIGTERM');
  for (const until = Date.now() + STOP_WITHIN_MS; commandOf(server).includes(dataDir); await pause(100))
    if (Date.now() > until) throw new Error(`The server ${server} does not end; end it, then run the study again.`);
}

/** The command line of a process; empty where there is none. */
function commandOf(pid: number): string {
  try {
    // Small images have no `ps`.
    if (platform() === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
