// Where the server listens that has a data directory, for commands on the same machine. What a killed one left there is never
// read: only who finds the database locked asks.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'server-url';

/** Best effort: a server works without it. */
export function writeServerUrl(dataDir: string, url: string): void {
  try {
    writeFileSync(join(dataDir, FILE), `${url}\n`, { mode: 0o600 });
  } catch (error) {
    process.emitWarning(
      `The server's URL could not be written to ${dataDir}, so gymserve backup needs --url: ${error}`,
    );
  }
}

export function readServerUrl(dataDir: string): string | null {
  try {
    return readFileSync(join(dataDir, FILE), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

export function removeServerUrl(dataDir: string): void {
  rmSync(join(dataDir, FILE), { force: true });
}
