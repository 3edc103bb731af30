// The only reader of process.env and of the command line. Everything else receives values.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type ApiKey, keyLine, makeKey, parseKeyLine } from './api-keys.ts';
import type { EngineSettings } from './compute/engines.ts';
import { isLoopback } from './loopback.ts';
import { makeFolder } from './make-folder.ts';
import { didYouMean } from './nearest.ts';

/** Where the workers of jobs run. A process keeps to itself what a thread does not: a native crash, or code that never returns. */
const JOB_ISOLATIONS = ['thread', 'process'] as const;

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
  /** Jobs that train at the same time; the rest wait, by priority and then in order. */
  readonly maxRunningJobs: number;
  /** Jobs that may wait. */
  readonly maxQueuedJobs: number;
  readonly jobIsolation: (typeof JOB_ISOLATIONS)[number];
  /** For how long a job's worker may report nothing before it is taken for stuck, ended and restarted. */
  readonly jobSilenceLimitMs: number;
  /** For how long a job stays after its end; null = for good. */
  readonly jobRetentionDays: number | null;
  /** Bytes that stay free on the disk of the data directory: jobs are paused before. */
  readonly diskReserveBytes: number;
  /** Bytes that replay and parameters of one training job may take, and of all that run at once. */
  readonly jobMemory: { readonly jobBytes: number; readonly totalBytes: number };
  /** Environments that may live at the same time, sub-environments counted. */
  readonly maxEnvironments: number;
  /** Worker threads that host environments and policies. */
  readonly envWorkers: number;
  /** For how long one call of an environment may take before its worker is taken for stuck, ended and replaced; 0 = for good. */
  readonly stepTimeoutMs: number;
  /** Jobs that were running when the server died go on from their newest checkpoint. */
  readonly resumeJobs: boolean;
  readonly logLevel: LogLevel;
  /** The accepted API keys; null = no key is asked for. */
  readonly apiKeys: readonly ApiKey[] | null;
  /** Where `apiKeys` were read, and are read again when it changes. */
  readonly apiKeysFile: string | null;
  /** Proxies, by address or subnet, whose X-Forwarded-For says who asks. */
  readonly trustedProxies: readonly string[];
  /** Requests a minute of one key, or of one address without keys; 0 = as many as come. */
  readonly rateLimitPerMinute: number;
  /** Origins of pages that may call the API and open WebSockets, beside this server's own. */
  readonly allowedOrigins: readonly string[];
  /** Whether requests may call the server by any name, not only by one of this machine's own, where it has no keys. */
  readonly anyHost: boolean;
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
  'max-queued-jobs': 'jobs that may wait (1000)',
  'job-isolation': 'thread or process: where jobs run; a process survives native crashes of others (thread)',
  'job-silence-limit': 'seconds without a sign of life after which a job is restarted (600)',
  'job-retention-days': 'days after which jobs that ended are deleted; their checkpoints stay (keep all)',
  'disk-reserve': 'free disk space below which jobs are paused, such as 1GiB; 0 = never (256MiB)',
  'max-job-memory': 'memory of one training job, such as 2GiB (80 % of the memory divided by running jobs)',
  'max-environments': 'environments at the same time, those of vector environments counted (1000)',
  'env-workers': 'threads that host environments (cores - 1)',
  'step-timeout':
    'seconds after which a call of an environment is given up, with its worker and all environments in it; 0 = never (60)',
  'resume-jobs': 'true or false: continue interrupted jobs at start (true)',
  'log-level': `${LOG_LEVELS.join(', ')} (info)`,
  'api-keys-file': 'file with an API key a line: its SHA-256 digest (hex), then its scopes (all)',
  'rate-limit': 'requests a minute of one key, or address; 0 = any (600000; on loopback without keys 0)',
  'trust-proxy': 'addresses or subnets of proxies whose X-Forwarded-For is believed, with commas between (none)',
  'allow-origins': 'origins of other pages that may call the API and open WebSockets, with commas between (none)',
  'create-key': 'true or false: make an API key if the keys file does not exist, and print it once (false)',
  insecure: 'true or false: without keys, listen on a public address and answer to any host name (false)',
} as const;

type Option = keyof typeof OPTIONS;

/** As they are given: `--port`. */
const NAMES: ReadonlySet<string> = new Set(Object.keys(OPTIONS).map((name) => `--${name}`));
const SWITCHES: ReadonlySet<string> = new Set(['--resume-jobs', '--create-key', '--insecure']);

export const USAGE = `Usage: gymserve [serve] [--option value …]      (in a clone: npm start -- [--option value …])\n       gymserve keys create|list|revoke         API keys and their scopes\n       gymserve backup                          a copy of the data directory\n       gymserve version | help\n\n${Object.entries(
  OPTIONS,
)
  .map(([name, help]) => `  --${name.padEnd(18)} ${variableOf(name).padEnd(26)} ${help}`)
  .join('\n')}\n`;

/** The resolved configuration. Flags win over environment variables. Throws `ConfigError`. */
export function loadConfig(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Config {
  const given = readOptions(argv, env);
  const cores = availableParallelism();
  const maxRunningJobs = integer('max-running-jobs', given, Math.max(1, cores - 1), 1, 256);
  const host = given('host') ?? '127.0.0.1';
  const dataDir = dataDirectory(given('data-dir'));
  const { apiKeys, apiKeysFile, createdKey } = readKeys(given, dataDir);
  const anyHost = boolean('insecure', given, false);
  if (!isLoopback(host) && apiKeys === null && !anyHost) {
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
    maxQueuedJobs: integer('max-queued-jobs', given, 1000, 0, 1_000_000),
    jobIsolation: oneOf('job-isolation', given, JOB_ISOLATIONS, 'thread'),
    jobSilenceLimitMs: 1000 * integer('job-silence-limit', given, 600, 1, 86_400),
    jobRetentionDays:
      given('job-retention-days') === undefined ? null : integer('job-retention-days', given, 0, 0, 36_500),
    diskReserveBytes: bytes('disk-reserve', given, 256 * 2 ** 20),
    jobMemory: memoryOfJobs(given, maxRunningJobs),
    maxEnvironments: integer('max-environments', given, 1000, 1, 1_000_000),
    envWorkers: integer('env-workers', given, Math.max(1, cores - 1), 1, 64),
    stepTimeoutMs: 1000 * integer('step-timeout', given, 60, 0, 86_400),
    resumeJobs: boolean('resume-jobs', given, true),
    logLevel: oneOf('log-level', given, LOG_LEVELS, 'info'),
    apiKeys,
    apiKeysFile,
    trustedProxies: proxiesOf(given),
    rateLimitPerMinute: integer('rate-limit', given, isLoopback(host) && apiKeys === null ? 0 : RATE_LIMIT, 0, 1e9),
    allowedOrigins: originsOf(given),
    anyHost,
    createdKey,
  });
}

export const SEE_HELP = 'gymserve --help (in a clone: npm start -- --help) lists all options.';

type Given = (option: Option) => string | undefined;

function variableOf(option: string): string {
  return `GYMSERVE_${option.replaceAll('-', '_').toUpperCase()}`;
}

function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Given {
  const options = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string' as const }]));
  const args = joined(argv).map((arg, i, { [i + 1]: next = '' }) =>
    // A switch without a value is on.
    SWITCHES.has(arg) && !/^[^-]/.test(next) ? `${arg}=true` : arg,
  );
  const [unknown] = args.flatMap((arg) => /^-[^=]+/.exec(arg) ?? []).filter((name) => !NAMES.has(name));
  if (unknown !== undefined)
    throw new ConfigError(`There is no option ${unknown}.${didYouMean(unknown, [...NAMES])} ${SEE_HELP}`);
  let flags: Record<string, unknown>;
  try {
    flags = parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n${SEE_HELP}`);
  }
  return (option) => {
    const value = flags[option] ?? env[variableOf(option)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}

/** With each negative number in one piece with the option before it, since it looks like an option itself. */
function joined(argv: readonly string[]): string[] {
  const args: string[] = [];
  for (const arg of argv) {
    const last = args.at(-1) ?? '';
    if (/^-\d/.test(arg) && /^--[^=]+$/.test(last)) args[args.length - 1] = `${last}=${arg}`;
    else args.push(arg);
  }
  return args;
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
/** Far above what one client steps, far below what keeps all others out. */
const RATE_LIMIT = 600_000;
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
  if (given('max-job-memory') === undefined)
    return { jobBytes: Math.floor(usable / maxRunningJobs), totalBytes: usable };
  const jobBytes = bytes('max-job-memory', given, 0, 1);
  return { jobBytes, totalBytes: Math.max(usable, jobBytes) };
}

function bytes(option: Option, given: Given, fallback: number, min = 0): number {
  const text = given(option);
  if (text === undefined) return fallback;
  const [, digits = '-1', unit = ''] = /^(\d+(?:\.\d+)?) *([A-Za-z]*)$/.exec(text) ?? [];
  const value = Math.floor(Number(digits) * (UNITS[unit] ?? Number.NaN));
  if (!(value >= min)) {
    const units = Object.keys(UNITS).filter((name) => name !== '');
    throw new ConfigError(
      `--${option} (${variableOf(option)}) is "${text}"; give bytes, or a number with one of ${units.join(', ')}, such as 2GiB.`,
    );
  }
  return value;
}

/** Exactly as browsers write them, so that they can be compared. */
function originsOf(given: Given): readonly string[] {
  const option = 'allow-origins';
  const origins = (given(option) ?? '').split(',').flatMap((origin) => origin.trim() || []);
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
  if (wrong === undefined) return origins;
  throw new ConfigError(
    `--${option} (${variableOf(option)}) names "${wrong}"; give origins such as https://example.org, without a path, with commas between.`,
  );
}

/** Never a number of hops, which would believe whoever comes without a proxy. */
function proxiesOf(given: Given): readonly string[] {
  const option = 'trust-proxy';
  const proxies = (given(option) ?? '').split(',').flatMap((proxy) => proxy.trim() || []);
  const wrong = proxies.find((proxy) => {
    const [address = '', bits, ...rest] = proxy.split('/');
    const most = isIP(address) === 6 ? 128 : 32;
    return (
      isIP(address) === 0 || rest.length > 0 || (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= most))
    );
  });
  if (wrong === undefined) return proxies;
  throw new ConfigError(
    `--${option} (${variableOf(option)}) names "${wrong}"; give addresses or subnets such as 127.0.0.1 or 10.0.0.0/8, with commas between.`,
  );
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

function readKeys(given: Given, dataDir: string): Pick<Config, 'apiKeys' | 'apiKeysFile' | 'createdKey'> {
  const create = boolean('create-key', given, false);
  const named = given('api-keys-file');
  if (named === undefined && !create) return { apiKeys: null, apiKeysFile: null, createdKey: null };
  const file = keysFile(named, dataDir);
  const createdKey = create && !existsSync(file) ? createKeyFile(file) : null;
  if (!existsSync(file)) {
    throw new ConfigError(
      `The keys file ${file} does not exist; write one SHA-256 digest a line, or start with --create-key true.`,
    );
  }
  const apiKeys = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => keyOfLine(line, file) ?? []);
  if (apiKeys.length === 0)
    throw new ConfigError(`The keys file ${file} names no key; add a SHA-256 digest, or delete it.`);
  return { apiKeys, apiKeysFile: file, createdKey };
}

function keyOfLine(line: string, file: string): ApiKey | null {
  try {
    return parseKeyLine(line);
  } catch (error) {
    throw new ConfigError(`A line of the keys file ${file} ${error instanceof Error ? error.message : String(error)}`);
  }
}

function keysFile(named: string | undefined, dataDir: string): string {
  return resolve(named ?? join(dataDir, 'api-keys'));
}

/** Where keys stand, for a command that only manages them; flags win over environment variables. */
export function keysFileOf(
  flags: Readonly<Record<'api-keys-file' | 'data-dir', string | undefined>>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const given = (option: 'api-keys-file' | 'data-dir') => flags[option] || env[variableOf(option)] || undefined;
  return keysFile(given('api-keys-file'), dataDirectory(given('data-dir')));
}

/** What `gymserve backup` was told; flags win over environment variables. */
export function backupOptionsOf(
  flags: { readonly 'data-dir'?: string; readonly url?: string; readonly key?: string },
  env: NodeJS.ProcessEnv = process.env,
): { readonly dataDir: string; readonly url: string | undefined; readonly key: string | undefined } {
  const given = (option: 'data-dir' | 'url' | 'key') => flags[option] || env[variableOf(option)] || undefined;
  return { dataDir: dataDirectory(given('data-dir')), url: given('url'), key: given('key') };
}

function dataDirectory(named: string | undefined): string {
  return resolve(named ?? 'data');
}

/** Throws `ConfigError` where it cannot be made. */
export function makeKeysFolder(file: string): void {
  try {
    makeFolder(dirname(file));
  } catch (error) {
    throw new ConfigError(
      `The folder of the keys file ${file} cannot be made (${error instanceof Error ? error.message : String(error)}); name another file with --api-keys-file, or another --data-dir.`,
    );
  }
}

function createKeyFile(file: string): string {
  const { key, kept } = makeKey(['admin']);
  makeKeysFolder(file);
  writeFileSync(file, `# SHA-256 digests of API keys, one a line, each with its scopes\n${keyLine(kept)}`, {
    mode: 0o600,
  });
  return key;
}
