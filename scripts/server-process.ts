// A Gymserve of its own process, as a user starts it: on a free port, over a data directory that is deleted at the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));

export interface ServerProcess {
  readonly url: string;
  /** The lines it printed up to the one with its URL. */
  readonly announced: readonly string[];
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** SIGTERM, and the end of the process; returns its exit code. */
  stop(): Promise<number | null>;
}

export async function startServer(
  options: { readonly args?: readonly string[]; readonly dataDir?: string } = {},
): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'gymserve-')));
  const args = [
    '--enable-source-maps',
    MAIN,
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--log-level',
    'warn',
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const announced: string[] = [];
  const url = await Promise.race([urlOf(child, announced), exited.then(() => null)]);
  if (url === null) throw new Error('The server ended before it was ready; its last words stand above.');
  return {
    url,
    announced,
    child,
    dataDir,
    async stop() {
      // A process that has ended takes no signal, and `exited` is settled already.
      child.kill('SIGTERM');
      const code = await exited;
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

async function urlOf(child: ChildProcess, announced: string[]): Promise<string | null> {
  if (child.stdout === null) return null;
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    announced.push(line);
    const url = /^Gymserve\s+(http\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    // What it says from now on is let go, so that a full pipe never blocks it.
    child.stdout.resume();
    return url;
  }
  return null;
}
