// Keeps the keys of a running server as its keys file has them, so that a key that was revoked there stops working.
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { type ApiKey, type KeyRing, parseKeyLine } from './api-keys.ts';

/** By polling: an atomic rename, a mounted secret and an editor look alike then. */
const LOOK_EVERY_MS = 1000;

interface Log {
  info(message: string): void;
  error(message: string): void;
}

/** Returns what ends it. */
export function watchKeys(file: string, ring: KeyRing, log: Log): () => void {
  const look = () => {
    const before = ring.keys;
    const keys = readKeys(file, log);
    if (JSON.stringify(keys) === JSON.stringify(before)) return;
    ring.replace(keys);
    log.info(`${file} changed; ${keys.length} keys are let in now.`);
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => unwatchFile(file, look);
}

/** What is wrong lets nobody in, and is said: a key that somebody meant to revoke must not go on working for a slip elsewhere. */
function readKeys(file: string, log: Log): ApiKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    log.error(`The keys file ${file} cannot be read (${String(error)}), so no key is let in; bring it back.`);
    return [];
  }
  return text.split('\n').flatMap((line, i) => {
    try {
      return parseKeyLine(line) ?? [];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error(`Line ${i + 1} of the keys file ${file} is passed over: it ${why}`);
      return [];
    }
  });
}
