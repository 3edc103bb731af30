// Compiled libraries on disk, named by what they were made from. A library is opened only if its bytes are those that were tested.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../../errors.ts';
import type { Compiler } from './compiler.ts';

const SELF_TEST = fileURLToPath(new URL('./self-test.js', import.meta.url));
const SELF_TEST_LIMIT_MS = 60_000;

export class LibraryCache {
  readonly #directory: string;
  readonly #compiler: Compiler;
  /** One compilation at a time in this thread: each takes a core for seconds. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string, compiler: Compiler) {
    this.#directory = directory;
    this.#compiler = compiler;
  }

  /** What identifies the library of `source`: the C, the compiler, its flags, the processor. */
  key(source: string): string {
    return createHash('sha256').update(this.#compiler.identity).update('\0').update(source).digest('hex');
  }

  /**
   * The path of the library that `source` makes; compiled, and run once in a child process, where it is not there yet.
   * Throws `engine_not_available` that says what failed.
   */
  library(source: string): Promise<string> {
    const result = this.#last.then(() => this.#find(source));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #find(source: string): Promise<string> {
    const path = join(this.#directory, `${this.key(source)}.node`);
    if (await isIntact(path)) return path;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await this.#build(source, path);
    } catch (thrown) {
      if (thrown instanceof DomainError) throw thrown;
      const { message } = thrown as Error;
      throw new DomainError(
        'engine_not_available',
        `The cache of compiled programs, ${this.#directory}, cannot be used: ${message}`,
      );
    }
    return path;
  }

  /** Under a name of its own until it has passed: another thread or process may be building the same. */
  async #build(source: string, path: string): Promise<void> {
    const name = path.replace(/\.node$/, `.${randomBytes(6).toString('hex')}`);
    const [c, library, digest] = [`${name}.c`, `${name}.node`, `${name}.sha256`];
    try {
      await writeFile(c, source, { mode: 0o600 });
      await this.#compiler.compile(c, library);
      await runOnce(library);
      await writeFile(digest, `${await sha256(library)}\n`, { mode: 0o600 });
      // The digest last: without it the library does not count.
      await rename(c, path.replace(/\.node$/, '.c'));
      await rename(library, path);
      await rename(digest, `${path}.sha256`);
    } finally {
      await Promise.all([c, library, digest].map((file) => rm(file, { force: true })));
    }
  }
}

async function isIntact(path: string): Promise<boolean> {
  try {
    return (await readFile(`${path}.sha256`, 'utf8')).trim() === (await sha256(path));
  } catch {
    // Not there, or not readable: it is built again, and what is wrong with the directory is said then.
    return false;
  }
}

const sha256 = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** In a process of its own: an instruction that this processor lacks ends that process, not the server. */
function runOnce(library: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { timeout: SELF_TEST_LIMIT_MS, killSignal: 'SIGKILL' } as const;
    execFile(process.execPath, [SELF_TEST, library], options, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const how = error.signal
        ? `was ended by ${error.signal}`
        : `failed: ${stderr.trim().split('\n').slice(-3).join(' | ')}`;
      reject(new DomainError('engine_not_available', `A compiled program, when it was first run, ${how}.`));
    });
  });
}
