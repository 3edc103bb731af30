// Checks an engine that could take its process with it in a process of its own, which has a time limit.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineName } from './engine.ts';
import type { EngineSettings } from './engines.ts';

const SCRIPT = fileURLToPath(new URL('./check-engine.js', import.meta.url));
const LIMIT_MS = 30_000;

export interface ChildCheckOptions {
  readonly script?: string;
  readonly limitMs?: number;
}

/** Why the engine `name` does not work here, or null where it does. Never throws, and blocks nothing meanwhile. */
export function checkInChild(
  name: EngineName,
  settings: EngineSettings,
  { script = SCRIPT, limitMs = LIMIT_MS }: ChildCheckOptions = {},
): Promise<string | null> {
  return new Promise((resolve) => {
    const args = [script, name, JSON.stringify(settings)];
    const child = execFile(process.execPath, args, (error, stdout, stderr) => {
      clearTimeout(timer);
      if (error === null) return resolve(null);
      if (error.signal) return resolve(`its check was ended by ${error.signal}.`);
      // The verdict is the last line on standard output; standard error is where libraries talk.
      resolve(lastLine(stdout) ?? `its check failed: ${lastLine(stderr) ?? `exit code ${error.code}`}.`);
    });
    const timer = setTimeout(() => {
      // Not once it has ended: a process that hangs in a driver does not end by SIGKILL either, and this one must be able to without it.
      resolve(`its check did not end within ${limitMs / 1000} s.`);
      child.kill('SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
    }, limitMs);
  });
}

const lastLine = (text: string): string | undefined => text.trim().split('\n').at(-1) || undefined;
