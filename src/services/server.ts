// What the server says of itself.
import type { EngineInfo, Engines } from '../compute/engines.ts';
import type { AgentStore } from '../storage/agents.ts';
import type { Environments } from './environments.ts';
import type { Jobs } from './jobs.ts';
import type { Scheduler } from './scheduler.ts';

/** What the server was started with, and what HTTP takes. */
interface FixedLimits {
  readonly bodyBytes: number;
  readonly fileBytes: number;
  /** Of one training job. */
  readonly jobMemoryBytes: number;
  /** 0 = none. */
  readonly stepTimeoutMs: number;
}

export interface ServerInfo {
  readonly version: string;
  readonly engines: readonly EngineInfo[];
  readonly limits: FixedLimits & {
    readonly environments: number;
    readonly runningJobs: number;
    readonly queuedJobs: number;
  };
  readonly use: {
    readonly environments: number;
    readonly agents: number;
    readonly runningJobs: number;
    readonly queuedJobs: number;
    readonly pausedJobs: number;
  };
}

export class Server {
  readonly #version: string;
  readonly #engines: Engines;
  readonly #limits: FixedLimits;
  readonly #environments: Environments;
  readonly #agents: AgentStore;
  readonly #jobs: Jobs;
  readonly #scheduler: Scheduler;
  #ready = true;

  constructor(options: {
    readonly version: string;
    readonly engines: Engines;
    readonly limits: FixedLimits;
    readonly environments: Environments;
    readonly agents: AgentStore;
    readonly jobs: Jobs;
    readonly scheduler: Scheduler;
  }) {
    this.#version = options.version;
    this.#engines = options.engines;
    this.#limits = options.limits;
    this.#environments = options.environments;
    this.#agents = options.agents;
    this.#jobs = options.jobs;
    this.#scheduler = options.scheduler;
  }

  ready(): boolean {
    return this.#ready;
  }

  /** From now on the server only finishes what it has begun. */
  drain(): void {
    this.#ready = false;
  }

  async info(): Promise<ServerInfo> {
    const { running, queued, paused } = this.#jobs.counts();
    return {
      version: this.#version,
      engines: await this.#engines.list(),
      limits: {
        ...this.#limits,
        environments: this.#environments.limit,
        runningJobs: this.#scheduler.slots,
        queuedJobs: this.#jobs.maxQueued,
      },
      use: {
        environments: this.#environments.count,
        agents: this.#agents.count(),
        runningJobs: running,
        queuedJobs: queued,
        pausedJobs: paused,
      },
    };
  }
}
