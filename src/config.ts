// The only reader of process.env and of the command line. Everything else receives values.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineSettings } from './compute/engines.ts';

export interface Config {
  /** Address to listen on; only loopback without keys, unless `insecure`. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Database, checkpoints and caches. Absolute. */
  readonly dataDir: string;
  /** Engine name or `auto`, for jobs that name none. */
  readonly engine: string;
  /** What engines need to know of this machine. */
  readonly engines: EngineSettings;
  /** Threads of one training update, for jobs that name none. */
  readonly threads: number;
  /** Jobs that train at the same time; the rest wait in order. */
  readonly maxRunningJobs: number;
  /** Bytes that replay and parameters of one training job may take, and of all that run at once. */
  readonly jobMemory: { readonly jobBytes: number; readonly totalBytes: number };
  /** Worker threads that host environments and policies. */
  readonly envWorkers: number;
  /** Jobs that were running when the server died go on from their newest checkpoint. */
  readonly resumeJobs: boolean;
  readonly logLevel: LogLevel;
  /** SHA-256 digests (hex) of the accepted API keys; null = no key is asked for. */
  readonly apiKeyDigests: readonly string[] | null;
  /** A key made at this start because `--create-key` asked for one; printed once and kept nowhere. */
  readonly createdKey: string | null;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the operator asked for makes no sense; the message says which value and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Flags by name, with the environment variable behind each (`--data-dir` is `GYMSERVE_DATA_DIR`) and its help text. */
const OPTIONS = {
  host: 'address to listen on (127.0.0.1)',
  port: 'port to listen on (8000; 0 = any free port)',
  'data-dir': 'where the database and the checkpoints live (./data)',
  engine: 'engine of jobs that name none (auto)',
  cc: 'C compiler of the native engine: a command, auto, or off (auto)',
  'cache-dir': 'where the native engine keeps compiled programs (cache in the data directory)',
  'dump-graph': 'directory to write every compiled program to, stage by stage (none)',
  threads: 'threads of one training update (cores divided by running jobs)',
  'max-running-jobs': 'jobs that train at the same time (cores - 1)',
  'max-job-memory': 'memory of one training job, such as 2GiB (80 % of the memory divided by running jobs)',
  'env-workers': 'threads that host environments (cores - 1)',
  'resume-jobs': 'true or false: continue interrupted jobs at start (true)',
  'log-level': `${LOG_LEVELS.join(', ')} (info)`,
  'api-keys-file': 'file with one SHA-256 digest (hex) of an API key a line',
  'create-key': 'true or false: make an API key if the keys file does not exist, and print it once (false)',
  insecure: 'true or false: listen on a public address without keys (false)',
} as const;

type Option = keyof typeof OPTIONS;

export const USAGE = `Usage: npm start -- [--option value …]\n\n${Object.entries(OPTIONS)
  .map(([name, help]) => `  --${name.padEnd(18)} ${variableOf(name).padEnd(26)} ${help}`)
  .join('\n')}\n`;

/** The resolved configuration. Flags win over environment variables. Throws `ConfigError`. */
export function loadConfig(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Config {
  const given = readOptions(argv, env);
  const cores = availableParallelism();
  const maxRunningJobs = integer('max-running-jobs', given, Math.max(1, cores - 1), 1, 256);
  const host = given('host') ?? '127.0.0.1';
  const dataDir = resolve(given('data-dir') ?? 'data');
  const { apiKeyDigests, createdKey } = readKeys(given, dataDir);
  if (!isLoopback(host) && apiKeyDigests === null && !boolean('insecure', given, false)) {
    throw new ConfigError(
      `Refusing to listen on the public address ${host} without API keys: name a keys file (--api-keys-file), let one be made (--create-key true), or accept the risk (--insecure true).`,
    );
  }
  return Object.freeze({
    host,
    port: integer('port', given, 8000, 0, 65_535),
    dataDir,
    engine: given('engine') ?? 'auto',
    engines: {
      compiler: given('cc') ?? 'auto',
      cacheDirectory: join(resolve(given('cache-dir') ?? join(dataDir, 'cache')), 'native'),
      dumpDirectory: given('dump-graph') === undefined ? null : resolve(given('dump-graph') as string),
    },
    threads: integer('threads', given, Math.max(1, Math.floor(cores / maxRunningJobs)), 1, 256),
    maxRunningJobs,
    jobMemory: memoryOfJobs(given, maxRunningJobs),
    envWorkers: integer('env-workers', given, Math.max(1, cores - 1), 1, 64),
    resumeJobs: boolean('resume-jobs', given, true),
    logLevel: oneOf('log-level', given, LOG_LEVELS, 'info'),
    apiKeyDigests,
    createdKey,
  });
}

type Given = (option: Option) => string | undefined;

function variableOf(option: string): string {
  return `GYMSERVE_${option.replaceAll('-', '_').toUpperCase()}`;
}

function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Given {
  const options = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string' as const }]));
  let flags: Record<string, unknown>;
  try {
    flags = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  return (option) => {
    const value = flags[option] ?? env[variableOf(option)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}

function integer(option: Option, given: Given, fallback: number, min: number, max: number): number {
  const text = given(option);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError(`--${option} (${variableOf(option)}) is "${text}"; give an integer from ${min} to ${max}.`);
  }
  return value;
}

/** What jobs may take of the memory; the rest is for everything else. */
const JOB_SHARE = 0.8;
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

function memoryOfJobs(given: Given, maxRunningJobs: number): Config['jobMemory'] {
  const machine = totalmem();
  // Of a container; 0 or more than there is where nothing limits it. Absent from old minor versions of Node.
  const limit = process.constrainedMemory?.() ?? 0;
  const usable = Math.floor(JOB_SHARE * (limit > 0 ? Math.min(limit, machine) : machine));
  const text = given('max-job-memory');
  if (text === undefined) return { jobBytes: Math.floor(usable / maxRunningJobs), totalBytes: usable };
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) *([A-Za-z]*)$/.exec(text) ?? [];
  const jobBytes = Math.floor(Number(digits) * (UNITS[unit] ?? Number.NaN));
  if (!(jobBytes > 0)) {
    const units = Object.keys(UNITS).filter((name) => name !== '');
    throw new ConfigError(
      `--max-job-memory (${variableOf('max-job-memory')}) is "${text}"; give bytes, or a number with one of ${units.join(', ')}, such as 2GiB.`,
    );
  }
  return { jobBytes, totalBytes: Math.max(usable, jobBytes) };
}

function boolean(option: Option, given: Given, fallback: boolean): boolean {
  return oneOf(option, given, ['true', 'false'] as const, fallback ? 'true' : 'false') === 'true';
}

function oneOf<T extends string>(option: Option, given: Given, allowed: readonly T[], fallback: T): T {
  const text = given(option) ?? fallback;
  const value = allowed.find((candidate) => candidate === text);
  if (value === undefined) {
    throw new ConfigError(`--${option} (${variableOf(option)}) is "${text}"; give one of: ${allowed.join(', ')}.`);
  }
  return value;
}

/** Whether only this machine can reach `host`. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function readKeys(given: Given, dataDir: string): Pick<Config, 'apiKeyDigests' | 'createdKey'> {
  const create = boolean('create-key', given, false);
  const named = given('api-keys-file');
  if (named === undefined && !create) return { apiKeyDigests: null, createdKey: null };
  const file = resolve(named ?? join(dataDir, 'api-keys'));
  const createdKey = create && !existsSync(file) ? createKeyFile(file) : null;
  if (!existsSync(file)) {
    throw new ConfigError(
      `The keys file ${file} does not exist; write one SHA-256 digest a line, or start with --create-key true.`,
    );
  }
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  const apiKeyDigests = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const wrong = apiKeyDigests.find((digest) => !/^[0-9a-f]{64}$/.test(digest));
  if (wrong !== undefined) {
    throw new ConfigError(
      `A line of the keys file ${file} is ${wrong.length} characters and not a SHA-256 digest in hex; make one with: printf %s "$KEY" | sha256sum`,
    );
  }
  if (apiKeyDigests.length === 0)
    throw new ConfigError(`The keys file ${file} names no key; add a SHA-256 digest, or delete it.`);
  return { apiKeyDigests, createdKey };
}

function createKeyFile(file: string): string {
  const key = `gsk_${randomBytes(24).toString('base64url')}`;
  mkdirSync(dirname(file), { recursive: true });
  const digest = createHash('sha256').update(key).digest('hex');
  writeFileSync(file, `# SHA-256 digests of API keys, one a line\n${digest}\n`, { mode: 0o600 });
  return key;
}
