// Puts the parts together: storage, services, app. Listens when told, closes in order. `main.ts` is its command line.
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { buildApp, DEFAULT_BODY_LIMIT_BYTES } from './api/app.ts';
import { FILE_LIMIT_BYTES } from './api/dispatch.ts';
import { KeyRing } from './api-keys.ts';
import { Engines } from './compute/engines.ts';
import { prepareEnvironment } from './compute/process-environment.ts';
import { type Config, ConfigError } from './config.ts';
import { DomainError } from './errors.ts';
import { makeFolder } from './make-folder.ts';
import { Agents } from './services/agents.ts';
import { Backups } from './services/backups.ts';
import { Catalogue } from './services/catalogue.ts';
import { Checkpoints } from './services/checkpoints.ts';
import { DiskGuard } from './services/disk-guard.ts';
import { Environments } from './services/environments.ts';
import { Idempotency } from './services/idempotency.ts';
import { JobJournal } from './services/job-journal.ts';
import { JobRetention } from './services/job-retention.ts';
import { JobWatchdog } from './services/job-watchdog.ts';
import { Jobs } from './services/jobs.ts';
import type { EnvironmentLimits } from './services/live-environments.ts';
import { Metrics } from './services/metrics.ts';
import { Policies } from './services/policies.ts';
import { Replays } from './services/replays.ts';
import { Scheduler } from './services/scheduler.ts';
import { Server } from './services/server.ts';
import { Transitions } from './services/transitions.ts';
import { AgentStore } from './storage/agents.ts';
import { BackupFolders } from './storage/backups.ts';
import { Blobs } from './storage/blobs.ts';
import { CheckpointStore } from './storage/checkpoints.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { IdempotencyStore } from './storage/idempotency.ts';
import { JobStore } from './storage/jobs.ts';
import { removeServerUrl, writeServerUrl } from './storage/server-url.ts';
import { TransitionStore } from './storage/transitions.ts';
import { watchKeys } from './watch-keys.ts';
import { EnvironmentPool } from './workers/environment-pool.ts';
import { type JobIsolation, workerStarter } from './workers/job-start.ts';

export type ServerConfig = Pick<
  Config,
  | 'dataDir'
  | 'engine'
  | 'engines'
  | 'threads'
  | 'maxRunningJobs'
  | 'jobMemory'
  | 'envWorkers'
  | 'resumeJobs'
  | 'apiKeys'
> & {
  /** As `Config.allowedOrigins`; none where absent. */
  readonly allowedOrigins?: readonly string[];
  /** As `Config.apiKeysFile`; where absent, the keys stay as they are. */
  readonly apiKeysFile?: string | null;
  /** As `Config.trustedProxies`; none where absent. */
  readonly trustedProxies?: readonly string[];
  /** As `Config.rateLimitPerMinute`; 0 where absent. */
  readonly rateLimitPerMinute?: number;
  /** As `Config.anyHost`; false where absent. */
  readonly anyHost?: boolean;
  /** Null = silent. */
  readonly logger: FastifyBaseLogger | { readonly level: string } | null;
  /** `thread` where absent. */
  readonly jobIsolation?: JobIsolation;
  /** As `Config.stepTimeoutMs`; 0 where absent. */
  readonly stepTimeoutMs?: number;
  /** Ten minutes where absent. */
  readonly jobSilenceLimitMs?: number;
  /** For good where absent. */
  readonly jobRetentionDays?: number | null;
  /** 0 where absent: the disk may run full. */
  readonly diskReserveBytes?: number;
  readonly maxQueuedJobs?: number;
  /** 1000 where absent. */
  readonly maxEnvironments?: number;
  /** Instead of the defaults of the services. */
  readonly limits?: Partial<EnvironmentLimits>;
};

export interface GymserveServer {
  readonly app: FastifyInstance;
  /** Starts to listen; returns the URL. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Answers what was asked, lets running jobs write a checkpoint, stores everything. Closing twice is harmless. */
  close(): Promise<void>;
}

/** Far longer than any one call of a worker takes: to compile, or an update of the largest networks. */
const JOB_SILENCE_LIMIT_MS = 600_000;

/** Throws `data_dir_in_use`, `engine_not_available` for a configured engine, and what the disk says. */
export async function createServer(config: ServerConfig): Promise<GymserveServer> {
  const { dataDir, limits = {} } = config;
  // Before anything looks into them: the engines keep what they compile there.
  makeFolders(config);
  // What it writes, the threads that start below inherit.
  prepareEnvironment();
  const engines = new Engines(config.engines);
  // In the background: the first job need not wait for what a compiler takes to answer. What fails is said when a job asks for it,
  // and by `GET /v1/server`, which checks the other engines too.
  void engines.find(config.engine).catch(() => undefined);
  const actingEngine = await engines.find(config.engine, 'act');
  const { database, blobs } = openStorage(dataDir);
  const agentStore = new AgentStore(database);
  const jobStore = new JobStore(database);
  const transitionStore = new TransitionStore(database);
  const checkpoints = new Checkpoints({ database, store: new CheckpointStore(database), blobs });
  const backupFolders = new BackupFolders(dataDir);
  await Promise.all([checkpoints.sweepAtStart(), backupFolders.sweepAtStart()]);

  const version = versionOfPackage();
  const policies = new Policies();
  let reportError = (error: unknown) => process.emitWarning(String(error));
  const onError = (error: unknown) => reportError(error);
  const journal = new JobJournal({ database, store: jobStore, onError });
  const scheduler = new Scheduler({
    journal,
    agents: agentStore,
    checkpoints,
    policies,
    transitions: transitionStore,
    dataDir,
    engines: config.engines,
    slots: config.maxRunningJobs,
    startWorker: workerStarter(config.jobIsolation ?? 'thread'),
    watchdog: new JobWatchdog(config.jobSilenceLimitMs ?? JOB_SILENCE_LIMIT_MS),
    onError,
  });
  const diskGuard = new DiskGuard({
    dataDir,
    reserveBytes: config.diskReserveBytes ?? 0,
    onShort: (why) => scheduler.hold(why),
    onRoom: () => scheduler.release(),
    onError,
  });
  const keys = new IdempotencyStore(database);
  const retention = new JobRetention({ jobs: jobStore, keys, days: config.jobRetentionDays ?? null, onError });
  const workerData = { dataDir, engines: config.engines };
  // Apart from the environments: making a large agent takes seconds, and a step must not wait for it. Reading a large checkpoint takes
  // as long as the disk does, so that nothing here has a limit.
  const agentWorkers = new EnvironmentPool({ size: 1, workerData, callLimitMs: 0, onWorkerLost: () => undefined });
  const replays = new Replays({ checkpoints, blobs });
  const transitions = new Transitions({
    database,
    store: transitionStore,
    agents: agentStore,
    checkpoints,
    scheduler,
    pool: agentWorkers,
  });
  const jobs = new Jobs({
    store: jobStore,
    agents: agentStore,
    checkpoints,
    journal,
    scheduler,
    engines,
    pool: agentWorkers,
    transitions: transitionStore,
    replays,
    memory: config.jobMemory,
    defaults: { engine: config.engine, threads: config.threads },
    ...(config.maxQueuedJobs !== undefined && { maxQueued: config.maxQueuedJobs }),
  });
  const environments = new Environments({
    workers: config.envWorkers,
    workerData,
    limits: { ...(config.maxEnvironments !== undefined && { environments: config.maxEnvironments }), ...limits },
    callLimitMs: config.stepTimeoutMs ?? 0,
    policyOf: (agentId) => agents.actingPolicy(agentId),
  });
  const agents = new Agents({
    database,
    store: agentStore,
    checkpoints,
    jobs,
    policies,
    pool: agentWorkers,
    engine: actingEngine.name,
    version,
  });
  checkpoints.connect({
    currentOf: (agentId) => agents.get(agentId).checkpointId,
    ofRunningJob: (agentId) => jobs.checkpointOfRunning(agentId),
    neededBy: (checkpoint) => jobs.neededBy(checkpoint),
    checkFile: (file, sha256) => agentWorkers.askAny({ type: 'importCheckpoint', file, sha256 }),
  });
  const backups = new Backups({
    database,
    folders: backupFolders,
    dataDir,
    version,
    settle: () => journal.flush(),
    holdSweeps: () => checkpoints.holdSweeps(),
  });
  const server = new Server({
    version,
    engines,
    limits: {
      bodyBytes: DEFAULT_BODY_LIMIT_BYTES,
      fileBytes: FILE_LIMIT_BYTES,
      jobMemoryBytes: config.jobMemory.jobBytes,
      stepTimeoutMs: config.stepTimeoutMs ?? 0,
    },
    environments,
    agents: agentStore,
    jobs,
    scheduler,
  });

  const keyRing = config.apiKeys && new KeyRing(config.apiKeys);
  const app = await buildApp({
    services: {
      server,
      metrics: new Metrics({ version, environments, jobs, scheduler }),
      catalogue: new Catalogue(),
      environments,
      agents,
      checkpoints,
      jobs,
      replays,
      transitions,
      backups,
      idempotency: new Idempotency(keys),
    },
    auth: keyRing,
    logger: config.logger,
    allowedOrigins: config.allowedOrigins ?? [],
    anyHost: config.anyHost ?? false,
    rateLimitPerMinute: config.rateLimitPerMinute ?? 0,
    trustedProxies: config.trustedProxies ?? [],
  });
  reportError = (error) => app.log.error({ err: error }, 'what a job reported could not be stored');
  await diskGuard.start();
  scheduler.recover(config.resumeJobs);
  retention.start();
  const unwatchKeys = keyRing && config.apiKeysFile ? watchKeys(config.apiKeysFile, keyRing, app.log) : () => undefined;

  let closing: Promise<void> | undefined;
  const close = async () => {
    server.drain();
    diskGuard.close();
    unwatchKeys();
    await Promise.all([app.close(), scheduler.stop(), retention.close(), backups.close()]);
    await environments.close();
    await agentWorkers.close();
    journal.close();
    checkpoints.close();
    removeServerUrl(dataDir);
    database.close();
  };
  return {
    app,
    async listen({ host, port }) {
      await app.listen({ host, port });
      const { address, port: actual, family } = app.server.address() as AddressInfo;
      const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`;
      writeServerUrl(dataDir, url);
      return url;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Throws a `ConfigError` for one that cannot be made. */
function makeFolders({ dataDir, engines }: ServerConfig): void {
  try {
    makeFolder(dataDir);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  const cache = dirname(engines.cacheDirectory);
  try {
    makeFolder(cache);
  } catch (error) {
    throw new ConfigError(
      `The folder ${cache} for compiled programs cannot be made (${reasonOf(error)}); name another with --cache-dir.`,
    );
  }
}

/** Throws `data_dir_in_use` or `checkpoint_incompatible`, and for a folder that cannot be used at all a `ConfigError`. */
function openStorage(dataDir: string): { database: Database; blobs: Blobs } {
  try {
    return { database: openDatabase(dataDir), blobs: new Blobs(dataDir) };
  } catch (error) {
    throw error instanceof DomainError ? error : unusable(dataDir, error);
  }
}

function unusable(dataDir: string, error: unknown): ConfigError {
  const reason = reasonOf(error);
  if (error instanceof Error && 'code' in error && (error.code === 'SQLITE_FULL' || error.code === 'ENOSPC')) {
    return new ConfigError(
      `The disk of the data directory ${dataDir} is full (${reason}); free space and start again.`,
    );
  }
  return new ConfigError(
    `The data directory ${dataDir} cannot be used (${reason}); make it a folder that this user may write, holding nothing but Gymserve's files, or name another with --data-dir.`,
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The version in package.json, which stands at the same place seen from src/ and from dist/src/. */
export function versionOfPackage(): string {
  for (const candidate of ['../package.json', '../../package.json']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8')) as { version: string };
      return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('package.json is missing beside the installation; install Gymserve again.');
}
