// The main thread's side of the environment workers: a fixed number of threads, started when first needed, replaced when lost.
import { Worker } from 'node:worker_threads';
import type { EngineSettings } from '../compute/engines.ts';
import { DomainError } from '../errors.ts';
import type { Answered, Asked, EnvironmentReplies, EnvironmentRequest } from './protocol.ts';

type Reply<R extends EnvironmentRequest> = EnvironmentReplies[R['type']];

interface Pending {
  readonly resolve: (reply: never) => void;
  readonly reject: (error: DomainError) => void;
}

export interface EnvironmentWorkerData {
  readonly dataDir: string;
  readonly engines: EngineSettings;
}

/** Looks at a request until it has had its time: while the machine slept, or the server was stopped, only one is missed. */
const LOOKS = 10;
/** A thread has so long for its first answer, whatever the limit: it starts and loads its modules before. */
const FIRST_ANSWER_MS = 60_000;

/** One thread and the requests it has not answered. It answers them in turn, so that only the oldest is under way. */
class Channel {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #callLimitMs: number;
  readonly #onLost: (reason: string) => void;
  readonly #clock: NodeJS.Timeout | null;
  #tickets = 0;
  /** At the oldest request since it is under way, and how many it is granted. */
  #looks = 0;
  #granted: number;
  #isLost = false;

  constructor(workerData: EnvironmentWorkerData, callLimitMs: number, onLost: (reason: string) => void) {
    this.#callLimitMs = callLimitMs;
    this.#granted = Math.max(LOOKS, (FIRST_ANSWER_MS / callLimitMs) * LOOKS);
    this.#onLost = onLost;
    this.#clock = callLimitMs === 0 ? null : setInterval(() => this.#look(), callLimitMs / LOOKS).unref();
    this.#worker = new Worker(new URL('./environment-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', (answer: Answered) => this.#settle(answer));
    let reason = '';
    this.#worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    this.#worker.on('exit', (code) => {
      this.#lose(reason || `exit code ${code}`);
    });
  }

  ask<R extends EnvironmentRequest>(request: R): Promise<Reply<R>> {
    const ticket = ++this.#tickets;
    if (this.load === 0) this.#looks = 0;
    return new Promise<Reply<R>>((resolve, reject) => {
      this.#pending.set(ticket, { resolve, reject });
      this.#worker.postMessage({ ticket, request } satisfies Asked);
    });
  }

  get load(): number {
    return this.#pending.size;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: Answered): void {
    this.#granted = LOOKS;
    const pending = this.#take(answer.ticket);
    if ('error' in answer) pending?.reject(DomainError.from(answer.error));
    else pending?.resolve(answer.reply as never);
  }

  #look(): void {
    const [oldest] = this.#pending.keys();
    if (oldest === undefined || ++this.#looks <= this.#granted) return;
    const limit = `${this.#callLimitMs / 1000} s`;
    this.#take(oldest)?.reject(timedOut(limit));
    this.#lose(`a call took longer than ${limit}`);
    // Not waited for: native code that never returns does not even end.
    void this.#worker.terminate();
  }

  /** The request with this ticket, which has its answer; the next one is under way. */
  #take(ticket: number): Pending | undefined {
    const pending = this.#pending.get(ticket);
    this.#pending.delete(ticket);
    this.#looks = 0;
    return pending;
  }

  /** What it held is gone from now on, whenever the thread ends. */
  #lose(reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (this.#clock !== null) clearInterval(this.#clock);
    for (const { reject } of this.#pending.values()) reject(lost(reason));
    this.#pending.clear();
    this.#onLost(reason);
  }
}

export class EnvironmentPool {
  readonly #workerData: EnvironmentWorkerData;
  readonly #callLimitMs: number;
  readonly #onWorkerLost: (worker: number, reason: string) => void;
  readonly #channels: (Channel | null)[];
  readonly #losses: number[];
  #closed = false;

  constructor(options: {
    readonly size: number;
    readonly workerData: EnvironmentWorkerData;
    /** For how long a worker may be at one request before it is taken for stuck, ended and replaced; 0 = for good. */
    readonly callLimitMs: number;
    /** The environments of that worker are gone. */
    readonly onWorkerLost: (worker: number, reason: string) => void;
  }) {
    this.#workerData = options.workerData;
    this.#callLimitMs = options.callLimitMs;
    this.#onWorkerLost = options.onWorkerLost;
    this.#channels = new Array<Channel | null>(options.size).fill(null);
    this.#losses = new Array<number>(options.size).fill(0);
  }

  get size(): number {
    return this.#channels.length;
  }

  /** How often worker `index` was lost: what it held at another count is gone. */
  lossesOf(index: number): number {
    return this.#losses[index] ?? 0;
  }

  /** Asks worker `index`. Rejects with the worker's own `DomainError`, `worker_lost`, or `step_timeout` where this very request took too long. */
  ask<R extends EnvironmentRequest>(index: number, request: R): Promise<Reply<R>> {
    if (this.#closed)
      return Promise.reject(
        new DomainError('capacity_reached', 'The server is shutting down; try again when it is back.'),
      );
    this.#channels[index] ??= this.#start(index);
    return this.#channels[index].ask(request);
  }

  /** For a request that needs nothing the worker held: where that worker was lost, its successor is asked, once. */
  async askFresh<R extends EnvironmentRequest>(index: number, request: R): Promise<Reply<R>> {
    try {
      return await this.ask(index, request);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'worker_lost') return await this.ask(index, request);
      throw error;
    }
  }

  /** Asks the worker with the fewest requests before it: for work that is tied to none. */
  askAny<R extends EnvironmentRequest>(request: R): Promise<Reply<R>> {
    const loads = this.#channels.map((channel) => channel?.load ?? 0);
    return this.askFresh(loads.indexOf(Math.min(...loads)), request);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#channels.map((channel) => channel?.close()));
  }

  #start(index: number): Channel {
    return new Channel(this.#workerData, this.#callLimitMs, (reason) => {
      this.#channels[index] = null;
      this.#losses[index] = this.lossesOf(index) + 1;
      if (!this.#closed) this.#onWorkerLost(index, reason);
    });
  }
}

function timedOut(limit: string): DomainError {
  return new DomainError(
    'step_timeout',
    `The call took longer than ${limit}, the limit of this server (--step-timeout); its worker thread was ended, and the environments in it are gone. Create them again, and ask for less in one call.`,
  );
}

function lost(reason: string): DomainError {
  return new DomainError(
    'worker_lost',
    `The worker thread that answered this request ended (${reason}); its environments are gone. Create them again.`,
  );
}
