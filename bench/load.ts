// What a server does under an open loop: so many requests a second over so many connections, whether or not the earlier ones were
// answered, of four kinds in turn, while a job trains. A late answer counts from when its request was due, not from when it was sent.
// Then as fast as the connections allow. A program of our own, since autocannon has no open loop with a mix of requests. The server has a process of its own and shares the machine's cores with this one.
//   npm run --silent bench -- load --json [--rate N] [--seconds S] [--connections C] [--spec ID]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../scripts/api-client.ts';
import { readFlags } from '../scripts/flags.ts';
import { loadConfig } from '../src/config.ts';
import { createServer } from '../src/server.ts';

const values = readFlags({
  rate: { type: 'string', default: '300' },
  seconds: { type: 'string', default: '60' },
  connections: { type: 'string', default: '200' },
  spec: { type: 'string', default: 'HalfCheetah-v5' },
  json: { type: 'boolean', default: false },
  server: { type: 'string' },
});

/** Environments that are reset and stepped; few enough calls wait on each. */
const ENVIRONMENTS = 50;
const PLAYED = 'Pendulum-v1';
const CONNECTIONS = Number(values.connections);
/** A probe, apart from the load and as often in every phase. */
const HEALTH_EVERY_MS = 20;
/** The training rate is read with and without load by turns. */
const TURNS = 3;
const SATURATION_MS = 5000;
/** Of eight requests: steps mostly, as clients do. */
const MIX = ['step', 'step', 'act', 'poll', 'step', 'step', 'reset', 'poll'] as const;
type Kind = (typeof MIX)[number];

interface Answer {
  readonly kind: Kind | 'health';
  /** 0 where there was no answer. */
  readonly status: number;
  readonly ms: number;
}

interface Usage {
  readonly rss_mb: number;
  readonly heap_used_mb: number;
  readonly event_loop_p999_ms: number;
}

async function main(): Promise<void> {
  const [rate, seconds] = [Number(values.rate), Number(values.seconds)];
  const server = await startServer();
  try {
    const load = await Load.prepare(server.url);
    const api = new ApiClient(server.url);
    const job = await train(api);
    const usage = { start: await server.usage(), middle: null as Usage | null };
    const answers: Answer[] = [];
    /** After each turn. */
    const connections: number[] = [];
    const updates = { alone: [] as number[], loaded: [] as number[] };
    for (let turn = 0; turn < TURNS; turn++) {
      const ms = (1000 * seconds) / TURNS;
      updates.alone.push(await updatesPerSecond(api, job, () => sleep(ms / 4)));
      updates.loaded.push(
        await updatesPerSecond(api, job, async () => void answers.push(...(await load.open(rate, ms, job)))),
      );
      connections.push(load.connections);
      if (turn === Math.floor(TURNS / 2)) usage.middle = await server.usage();
    }
    const end = await server.usage();
    const saturated = await load.closed(SATURATION_MS, job);
    await api.post(`/v1/jobs/${job}/cancel`);
    await api.get(`/v1/jobs/${job}?wait=20`);
    const idle = await load.closed(SATURATION_MS, job);
    const ratios = updates.loaded.map((loaded, i) => loaded / (updates.alone[i] ?? Number.NaN));
    const row = {
      rate_per_s: rate,
      seconds,
      connections: Math.min(...connections),
      spec_id: values.spec,
      requests: answers.filter(({ kind }) => kind !== 'health').length,
      statuses: countsOf(answers),
      server_errors: answers.filter(({ status }) => status >= 500 || status === 0).length,
      latency_ms: Object.fromEntries(
        [...new Set<Answer['kind']>([...MIX, 'health'])].map((kind) => [kind, latenciesOf(answers, kind)]),
      ),
      memory: { start: usage.start, middle: usage.middle, end },
      updates_per_s_alone: round(median(updates.alone)),
      updates_per_s_loaded: round(median(updates.loaded)),
      updates_loaded_to_alone: round(median(ratios)),
      saturation_requests_per_s: saturated,
      saturation_without_job_requests_per_s: idle,
    };
    process.stdout.write(`${values.json ? JSON.stringify(row) : JSON.stringify(row, null, 2)}\n`);
    if (row.server_errors > 0) process.exitCode = 1;
  } finally {
    server.process.send('stop');
    await once(server.process, 'exit');
  }
}

/** A job that trains for as long as it is wanted, once its updates have begun. */
async function train(api: ApiClient): Promise<string> {
  const agent = await api.post<{ id: string }>('/v1/agents', { algorithm: 'sac', spec_id: values.spec, seed: 0 });
  const job = await api.post<{ id: string }>(`/v1/agents/${agent.id}/train`, { total_timesteps: 100_000_000 });
  while ((await updatesOf(api, job.id)) < 200) await sleep(200);
  return job.id;
}

async function updatesOf(api: ApiClient, job: string): Promise<number> {
  const { progress, error } = await api.get<{ progress: { updates: number }; error: unknown }>(`/v1/jobs/${job}`);
  if (error !== null) throw new Error(`The job failed: ${JSON.stringify(error)}`);
  return progress.updates;
}

async function updatesPerSecond(api: ApiClient, job: string, during: () => Promise<void>): Promise<number> {
  const [before, start] = [await updatesOf(api, job), performance.now()];
  await during();
  return (1000 * ((await updatesOf(api, job)) - before)) / (performance.now() - start);
}

// --- Requests. ---

class Load {
  readonly #url: string;
  /** In turn, so that no connection is idle for so long that the server closes it. */
  readonly #agent = new Agent({
    keepAlive: true,
    scheduling: 'fifo',
    maxSockets: CONNECTIONS,
    maxFreeSockets: CONNECTIONS,
  });
  /** Of its own, so that a probe waits for the server and not for a connection. */
  readonly #probe = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #environments: readonly string[];
  readonly #actor: string;
  #sent = 0;

  private constructor(url: string, environments: readonly string[], actor: string) {
    this.#url = url;
    this.#environments = environments;
    this.#actor = actor;
  }

  static async prepare(url: string): Promise<Load> {
    const api = new ApiClient(url);
    const environments: string[] = [];
    while (environments.length < ENVIRONMENTS) {
      const { id } = await api.post<{ id: string }>('/v1/environments', { spec_id: PLAYED, seed: environments.length });
      await api.post(`/v1/environments/${id}/reset`);
      environments.push(id);
    }
    const { id } = await api.post<{ id: string }>('/v1/agents', { algorithm: 'sac', spec_id: PLAYED, seed: 1 });
    const load = new Load(url, environments, id);
    // By itself the agent opens as many as are busy at once, which is fewer.
    await Promise.all(Array.from({ length: CONNECTIONS }, () => load.#call('GET', '/healthz')));
    return load;
  }

  /** That are open. */
  get connections(): number {
    const { sockets, freeSockets } = this.#agent;
    return [sockets, freeSockets].flatMap((byHost) => Object.values(byHost).flat()).length;
  }

  /** `rate` requests a second for `ms`, each sent when it is due. */
  async open(rate: number, ms: number, job: string): Promise<Answer[]> {
    const answers: Promise<Answer>[] = [];
    const start = performance.now();
    const probe = setInterval(() => answers.push(this.#health()), HEALTH_EVERY_MS);
    for (let i = 0; i < (rate * ms) / 1000; i++) {
      const due = start + (i * 1000) / rate;
      const early = due - performance.now();
      // A timer is not exact: what is due by now goes out at once.
      if (early > 0) await sleep(early);
      answers.push(this.#one(due, job));
    }
    clearInterval(probe);
    return await Promise.all(answers);
  }

  /** Requests a second where every connection sends its next one as soon as it has an answer. */
  async closed(ms: number, job: string): Promise<number> {
    const start = performance.now();
    const client = async () => {
      let answered = 0;
      while (performance.now() - start < ms) if ((await this.#one(performance.now(), job)).status < 400) answered++;
      return answered;
    };
    const counts = await Promise.all(Array.from({ length: CONNECTIONS }, client));
    const answered = counts.reduce((sum, count) => sum + count, 0);
    return Math.round((answered * 1000) / (performance.now() - start));
  }

  async #one(due: number, job: string): Promise<Answer> {
    const index = this.#sent++;
    const kind = MIX[index % MIX.length] ?? 'step';
    // Each environment in turn meets every kind.
    const environment = this.#environments[Math.floor(index / MIX.length + index) % ENVIRONMENTS];
    const status =
      kind === 'poll'
        ? await this.#call('GET', `/v1/jobs/${job}`)
        : kind === 'act'
          ? await this.#call('POST', `/v1/agents/${this.#actor}/act`, { observation: [1, 0, 0] })
          : await this.#call('POST', `/v1/environments/${environment}/${kind}`, kind === 'step' ? { action: [0] } : {});
    return { kind, status, ms: performance.now() - due };
  }

  async #health(): Promise<Answer> {
    const start = performance.now();
    const status = await this.#call('GET', '/healthz', undefined, this.#probe);
    return { kind: 'health', status, ms: performance.now() - start };
  }

  #call(method: string, path: string, body?: object, agent = this.#agent): Promise<number> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length };
    return new Promise((resolve) => {
      request(`${this.#url}${path}`, { method, agent, headers }, (response) => {
        response.on('end', () => resolve(response.statusCode ?? 0)).on('error', () => resolve(0));
        response.resume();
      })
        .on('error', () => resolve(0))
        .end(text);
    });
  }
}

// --- The server's process. ---

interface Served {
  readonly url: string;
  readonly process: ChildProcess;
  /** After a garbage collection; the delay of the event loop is that since the last call. */
  usage(): Promise<Usage>;
}

async function startServer(): Promise<Served> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gymserve-bench-load-'));
  const child = fork(import.meta.filename, ['--server', dataDir], {
    execArgv: ['--expose-gc', '--enable-source-maps'],
  });
  child.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    process: child,
    async usage() {
      child.send('usage');
      const [usage] = (await once(child, 'message')) as [Usage];
      return usage;
    },
  };
}

async function serve(dataDir: string): Promise<void> {
  const config = loadConfig(['--data-dir', dataDir, '--port', '0']);
  const server = await createServer({ ...config, logger: null });
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('message', async (message) => {
    if (message !== 'usage') {
      await server.close();
      process.exit(0);
    }
    const late = delays.count === 0 ? 0 : Math.max(0, delays.percentile(99.9) / 1e6 - 1);
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const usage: Usage = {
      rss_mb: round(rss / 1e6),
      heap_used_mb: round(heapUsed / 1e6),
      event_loop_p999_ms: round(late),
    };
    process.send?.(usage);
    delays.reset();
  });
  process.on('disconnect', () => process.exit(1));
  process.send?.(await server.listen({ host: '127.0.0.1', port: 0 }));
}

// --- Numbers. ---

/** By status, in the order of their numbers; 0 = no answer. */
function countsOf(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function latenciesOf(answers: readonly Answer[], wanted: Answer['kind']) {
  const times = answers.flatMap(({ kind, ms }) => (kind === wanted ? [ms] : [])).sort((a, b) => a - b);
  const at = (share: number) =>
    round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN);
  return { count: times.length, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

if (values.server === undefined) await main();
else await serve(values.server);
