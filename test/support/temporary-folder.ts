import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is deleted when the file's tests have ended: hooks run in their order, and a server that has the folder is stopped by a later one. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gymserve-test-'));
  folders.push(folder);
  return folder;
}
