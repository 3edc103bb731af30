// The machine's C compiler: which it is, what it compiles for, and one run of it. Knows no graph and no cache.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DomainError } from '../../errors.ts';
import type { Target } from './lower/tiles.ts';

/**
 * Never -ffast-math: it hides NaN, and its start-up code changes the rounding of the whole thread. These three leave results as
 * they are but for a·b + c in one rounding.
 */
const FLAGS = ['-std=gnu11', '-O2', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math', '-pthread'];
/** macOS looks Node-API's functions up in the process only if told so. */
const LINK_FLAGS =
  process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-fPIC', '-lm'];
const TIME_LIMIT_MS = 60_000;
/** To say what it is and for what it compiles. */
const ANSWER_LIMIT_MS = 10_000;
/** Tried in this order where none is named. */
const COMMANDS = ['cc', 'gcc', 'clang'];

export interface Compiler {
  readonly command: string;
  /** First line of `--version`. */
  readonly version: string;
  readonly flags: readonly string[];
  readonly target: Target;
  /** Changes when the compiler, its flags or the processor's features do. */
  readonly identity: string;
  /** Compiles the C file `source` to the library `output`. Throws `engine_not_available` with the compiler's last lines. */
  compile(source: string, output: string): Promise<void>;
}

/** The first of `commands` that compiles for this processor; each run of it is ended after `timeLimitMs`. Throws `engine_not_available` where none does. */
export async function findCompiler(
  commands: readonly string[] = COMMANDS,
  machine = ['-march=native'],
  timeLimitMs = TIME_LIMIT_MS,
): Promise<Compiler> {
  const reasons: string[] = [];
  for (const command of commands) {
    try {
      return await describe(command, machine, timeLimitMs);
    } catch (thrown) {
      reasons.push((thrown as Error).message);
    }
  }
  throw new DomainError('engine_not_available', `No C compiler works: ${reasons.join('; ')}.`);
}

async function describe(command: string, machine: readonly string[], timeLimitMs: number): Promise<Compiler> {
  const execute = (args: readonly string[]): Promise<string> =>
    run(command, args, Math.min(timeLimitMs, ANSWER_LIMIT_MS));
  const version = (await execute(['--version'])).split('\n')[0] as string;
  const flags = [...FLAGS, ...machine];
  // What the compiler knows of the processor: it decides how wide vectors are, and a library belongs to it.
  const macros = await execute([...flags, '-dM', '-E', '-xc', '/dev/null']);
  const has = (macro: string): boolean => macros.includes(`#define ${macro} `);
  const [width, registers] = has('__AVX512F__')
    ? [16, 32]
    : has('__AVX__')
      ? [8, 16]
      : [4, has('__aarch64__') ? 32 : 16];
  const identity = createHash('sha256')
    .update(JSON.stringify([version, flags, LINK_FLAGS, macros.split('\n').sort()]))
    .digest('hex');
  const include = nodeApiHeaders();
  return {
    command,
    version,
    flags,
    target: { width, registers },
    identity,
    compile: async (source, output) => {
      await run(command, [...flags, `-I${include}`, source, '-o', output, ...LINK_FLAGS], timeLimitMs);
      if (!existsSync(output))
        throw new DomainError('engine_not_available', `"${command}" ended well, but without a library.`);
    },
  };
}

function nodeApiHeaders(): string {
  const headers = createRequire(import.meta.url)('node-api-headers') as { readonly include_dir: string };
  return headers.include_dir;
}

/** What the command wrote to its standard output. Arguments are a list: no shell reads them. */
function run(command: string, args: readonly string[], timeLimitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeLimitMs, killSignal: 'SIGKILL', maxBuffer: 16 * 2 ** 20 } as const;
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new DomainError('engine_not_available', explain(command, error, stderr, timeLimitMs)));
    });
  });
}

function explain(
  command: string,
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
  timeLimitMs: number,
): string {
  if (error.code === 'ENOENT') return `"${command}" is not installed`;
  if (error.killed === true) return `"${command}" did not end within ${timeLimitMs / 1000} s`;
  if (error.code === 'EACCES') return `"${command}" cannot be executed`;
  const lines = stderr.trim().split('\n').slice(-5).join(' | ');
  return `"${command}" failed (${error.code ?? error.message})${lines === '' ? '' : `: ${lines}`}`;
}
