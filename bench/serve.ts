// Environment steps a second as a client gets them: over HTTP as JSON and MessagePack, and over WebSockets, beside the same calls
// inside of the server's process. The server has a process of its own; it and the client share the machine's cores.
//   npm run --silent bench -- serve --json [--spec ID] [--num-envs N] [--workers W] [--blocks B]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { decode, encode } from '@msgpack/msgpack';
import { WebSocket } from 'ws';
import { readFlags } from '../scripts/flags.ts';
import { loadConfig } from '../src/config.ts';
import { make } from '../src/envs/registry.ts';
import { type Batch, Batches, sampleBatch } from '../src/envs/vector/batch.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { createServer } from '../src/server.ts';
import { Environments } from '../src/services/environments.ts';
import { HttpConnection } from './http-connection.ts';

const WARM_UP_MS = 1500;
const BLOCK_MS = 700;
/** Batches of actions that take turns, so that drawing them is not measured. */
const BATCHES = 16;
/** What a socket may have under way at once. */
const WINDOW = 8;
const RESET = { seed: null, options: {}, resetMask: null };
/** Of frames that reset; steps count from 1. */
const RESET_ID = 0;

const values = readFlags({
  spec: { type: 'string', default: 'HalfCheetah-v5' },
  'num-envs': { type: 'string', default: '64' },
  workers: { type: 'string', default: '2' },
  blocks: { type: 'string', default: '7' },
  json: { type: 'boolean', default: false },
  server: { type: 'string' },
  idle: { type: 'boolean', default: false },
});

type Transport = 'http-json' | 'http-msgpack' | 'ws-json' | 'ws-msgpack';

/** Rates are medians of blocks; those served and those in process take turns, so that both see the same machine. */
interface Row {
  readonly transport: Transport;
  readonly spec_id: string;
  /** 1: a single environment. */
  readonly num_envs: number;
  readonly workers: number;
  /** Connections that step at once, each with an environment of its own. */
  readonly clients: number;
  /** Calls that each has under way at once. */
  readonly pipelined: number;
  /** Steps of sub-environments, of all clients. */
  readonly steps_per_s: number;
  /** Of one call, from sending to its answer being read. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** The same environments, as many at once, called in a process without HTTP. */
  readonly inprocess_steps_per_s: number;
  /** Processor time of one step, of all threads: server and client together, and in process. On a busy machine rates say little. */
  readonly cpu_us_per_step: number;
  readonly inprocess_cpu_us_per_step: number;
  /** How late timers of the server's main thread were, in excess of its resolution of 1 ms. */
  readonly event_loop_p999_ms: number;
  /** The same of a process that does nothing meanwhile: what the machine adds. */
  readonly idle_event_loop_p999_ms: number;
}

interface Case {
  readonly transport: Transport;
  readonly numEnvs: number;
  readonly clients: number;
  readonly pipelined: number;
}

/** Steps until told to stop; gives the time of each call. */
interface Client {
  run(ms: number): Promise<number[]>;
  close(): void;
}

interface Actions {
  /** As JSON has them. */
  readonly lists: readonly unknown[];
  readonly arrays: readonly Batch[];
  readonly shape: readonly number[];
}

if (values.idle) watchDelays();
else if (values.server === undefined) await main();
else await serve(values.server, Number(values.workers));

async function main(): Promise<void> {
  const numEnvs = Number(values['num-envs']);
  const http = (transport: Transport, count: number, clients = 1): Case => ({
    transport,
    numEnvs: count,
    clients,
    pipelined: 1,
  });
  const socket = (transport: Transport, count: number, pipelined: number): Case => ({
    transport,
    numEnvs: count,
    clients: 1,
    pipelined,
  });
  const cases = [
    http('http-json', 1),
    http('http-json', 1, 4),
    http('http-msgpack', 1),
    socket('ws-json', 1, 1),
    socket('ws-json', 1, WINDOW),
    socket('ws-msgpack', 1, WINDOW),
    http('http-json', numEnvs),
    http('http-msgpack', numEnvs),
    socket('ws-msgpack', numEnvs, 1),
    socket('ws-msgpack', numEnvs, 2),
  ];
  const server = await startServer();
  const idle = fork(import.meta.filename, ['--idle']);
  try {
    for (const one of cases) {
      const row = await measure(server, idle, one);
      process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : describe(row));
    }
  } finally {
    idle.disconnect();
    server.process.send('stop');
    await once(server.process, 'exit');
  }
}

async function measure(
  server: Served,
  idle: ChildProcess,
  { transport, numEnvs, clients, pipelined }: Case,
): Promise<Row> {
  const specId = values.spec;
  const actions = await actionsOf(specId, numEnvs);
  const subjects = await Promise.all(
    Array.from({ length: clients }, () => connect(server.url, transport, specId, numEnvs, pipelined, actions)),
  );
  const inProcess = await hosted(specId, numEnvs, clients, actions);
  await Promise.all(subjects.map((subject) => subject.run(WARM_UP_MS)));
  await inProcess.run(WARM_UP_MS);
  const rates = { served: [] as number[], inProcess: [] as number[] };
  const latencies: number[] = [];
  const delays = { served: [] as number[], idle: [] as number[] };
  const cpu = { served: 0, inProcess: 0 };
  const steps = { served: 0, inProcess: 0 };
  for (let block = 0; block < Number(values.blocks); block++) {
    await usageOf(idle);
    const before = await usageOf(server.process);
    const ownBefore = ownCpuUs();
    const start = performance.now();
    const times = (await Promise.all(subjects.map((subject) => subject.run(BLOCK_MS)))).flat();
    rates.served.push((times.length * numEnvs * 1000) / (performance.now() - start));
    const after = await usageOf(server.process);
    delays.idle.push((await usageOf(idle)).delayMs);
    cpu.served += after.cpuUs - before.cpuUs + ownCpuUs() - ownBefore;
    steps.served += times.length * numEnvs;
    delays.served.push(after.delayMs);
    latencies.push(...times);
    const inBefore = ownCpuUs();
    const ran = await inProcess.run(BLOCK_MS);
    cpu.inProcess += ownCpuUs() - inBefore;
    steps.inProcess += ran.steps;
    rates.inProcess.push(ran.rate);
  }
  for (const subject of subjects) subject.close();
  await inProcess.close();
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.floor(sorted.length * share)] as number);
  return {
    transport,
    spec_id: specId,
    num_envs: numEnvs,
    workers: Number(values.workers),
    clients,
    pipelined,
    steps_per_s: Math.round(median(rates.served)),
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    inprocess_steps_per_s: Math.round(median(rates.inProcess)),
    cpu_us_per_step: round(cpu.served / steps.served),
    inprocess_cpu_us_per_step: round(cpu.inProcess / steps.inProcess),
    event_loop_p999_ms: round(median(delays.served)),
    idle_event_loop_p999_ms: round(median(delays.idle)),
  };
}

async function actionsOf(specId: string, numEnvs: number): Promise<Actions> {
  using env = await make(specId);
  const rng = Pcg64.fromSeed(0);
  const space = env.actionSpace.toDocument();
  const batches = new Batches(space);
  const lists = Array.from({ length: BATCHES }, () => sampleBatch(space, numEnvs, rng) as unknown[]);
  return {
    lists: numEnvs === 1 ? lists.map(([action]) => action) : lists,
    arrays: lists.map((list) => batches.parse(list, numEnvs)),
    shape: [...(numEnvs === 1 ? [] : [numEnvs]), ...(space.type === 'Box' ? space.shape : [])],
  };
}

// --- Over a connection. ---

async function connect(
  url: string,
  transport: Transport,
  specId: string,
  numEnvs: number,
  pipelined: number,
  actions: Actions,
): Promise<Client> {
  const wanted = { spec_id: specId, seed: 0, ...(numEnvs > 1 && { num_envs: numEnvs, autoreset_mode: 'NextStep' }) };
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as { readonly id: string };
  };
  const { id } = await post('/v1/environments', wanted);
  const path = `/v1/environments/${id}`;
  await post(`${path}/reset`, {});
  const isPacked = transport.endsWith('msgpack');
  const name = numEnvs === 1 ? 'action' : 'actions';
  const bodies = actions.arrays.map((data, i) => ({
    [name]: isPacked ? tensor(data, actions.shape) : actions.lists[i],
  }));
  return transport.startsWith('ws')
    ? await overSocket(`${url.replace('http', 'ws')}${path}/ws`, bodies, isPacked, pipelined)
    : await overHttp(url, path, bodies, isPacked);
}

function tensor(data: Batch, shape: readonly number[]): object {
  const dtype = data instanceof Float32Array ? 'float32' : data instanceof Float64Array ? 'float64' : 'int32';
  return { dtype, shape, data };
}

/** One call after the other on one connection; a single environment is reset where its episode ends. */
async function overHttp(url: string, path: string, bodies: readonly object[], isPacked: boolean): Promise<Client> {
  const connection = await HttpConnection.open(url);
  const type = isPacked ? 'application/msgpack' : 'application/json';
  const call = async (name: string, body: object): Promise<Ended> => {
    const sent = isPacked ? encode(body) : Buffer.from(JSON.stringify(body));
    const answer = await connection.post(`${path}/${name}`, type, sent);
    if (answer.status !== 200) throw new Error(answer.body.toString());
    return (isPacked ? decode(answer.body) : JSON.parse(answer.body.toString())) as Ended;
  };
  return {
    async run(ms) {
      const times: number[] = [];
      for (const end = performance.now() + ms; performance.now() < end; ) {
        const start = performance.now();
        const step = await call('step', bodies[times.length % BATCHES] as object);
        times.push(performance.now() - start);
        if (step.terminated || step.truncated) await call('reset', {});
      }
      return times;
    },
    close: () => connection.close(),
  };
}

interface Ended {
  readonly terminated?: boolean;
  readonly truncated?: boolean;
}

/** As many calls under way as may be; what follows an end is refused until the reset that goes out then. */
async function overSocket(
  url: string,
  bodies: readonly object[],
  isPacked: boolean,
  pipelined: number,
): Promise<Client> {
  const socket = new WebSocket(url, [`gymserve.v1.${isPacked ? 'msgpack' : 'json'}`]);
  await once(socket, 'message');
  const send = (frame: object) => socket.send(isPacked ? encode(frame) : JSON.stringify(frame));
  return {
    run: (ms) =>
      new Promise((resolve, reject) => {
        const times: number[] = [];
        const sentAt = new Map<number, number>();
        const end = performance.now() + ms;
        let next = 0;
        let resets = 0;
        const more = () => {
          while (sentAt.size < pipelined && performance.now() < end && resets === 0) {
            sentAt.set(++next, performance.now());
            send({ type: 'step', id: next, body: bodies[next % BATCHES] });
          }
          if (sentAt.size > 0 || resets > 0) return;
          socket.off('message', receive);
          resolve(times);
        };
        const receive = (data: Buffer) => {
          const frame = (isPacked ? decode(data) : JSON.parse(data.toString())) as Answer;
          if (frame.id === RESET_ID) resets--;
          else if (frame.type === 'result') times.push(performance.now() - (sentAt.get(frame.id) as number));
          else if (frame.error?.code !== 'reset_required') return reject(new Error(JSON.stringify(frame)));
          sentAt.delete(frame.id);
          if (frame.result?.terminated || frame.result?.truncated) {
            resets++;
            send({ type: 'reset', id: RESET_ID });
          }
          more();
        };
        socket.on('message', receive);
        more();
      }),
    close: () => socket.close(),
  };
}

interface Answer {
  readonly type: 'result' | 'error';
  readonly id: number;
  readonly result?: Ended;
  readonly error?: { readonly code: string };
}

// --- Without one. ---

async function hosted(specId: string, numEnvs: number, clients: number, { arrays, shape }: Actions) {
  const dataDir = mkdtempSync(join(tmpdir(), 'gymserve-bench-serve-'));
  const environments = new Environments({
    workers: Number(values.workers),
    workerData: { dataDir, engines: loadConfig([]).engines },
  });
  const ids = await Promise.all(
    Array.from({ length: clients }, async () => {
      const vector = numEnvs === 1 ? null : ({ numEnvs, autoresetMode: 'NextStep' } as const);
      const plan = {
        specId,
        vector,
        seed: 0,
        kwargs: {},
        wrappers: [],
        maxEpisodeSteps: null,
        labels: {},
        idleTtlS: 3600,
      };
      const { id } = await environments.create(plan);
      await environments.reset(id, RESET);
      return id;
    }),
  );
  const step = async (id: string, turn: number) => {
    const action = tensor(arrays[turn % BATCHES] as Batch, shape);
    const request = numEnvs === 1 ? { action, seq: null } : { actions: action, seq: null };
    const reply = await environments.step(id, request);
    if ('terminated' in reply && (reply.terminated || reply.truncated)) await environments.reset(id, RESET);
  };
  return {
    /** Steps, and how many a second. */
    async run(ms: number): Promise<{ readonly steps: number; readonly rate: number }> {
      const start = performance.now();
      const counts = await Promise.all(
        ids.map(async (id) => {
          let turn = 0;
          while (performance.now() - start < ms) await step(id, turn++);
          return turn;
        }),
      );
      const calls = counts.reduce((sum, count) => sum + count, 0);
      const steps = calls * numEnvs;
      return { steps, rate: (steps * 1000) / (performance.now() - start) };
    },
    async close() {
      await environments.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

// --- The server's process. ---

interface Served {
  readonly url: string;
  readonly process: ChildProcess;
}

interface Usage {
  /** Of the event loop since the last call, its 99.9th percentile. */
  readonly delayMs: number;
  /** Since the start. */
  readonly cpuUs: number;
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  child.send('usage');
  const [usage] = (await once(child, 'message')) as [Usage];
  return usage;
}

async function startServer(): Promise<Served> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gymserve-bench-serve-'));
  const child = fork(import.meta.filename, ['--server', dataDir, '--workers', values.workers]);
  child.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  const [url] = (await once(child, 'message')) as [string];
  return { url, process: child };
}

async function serve(dataDir: string, workers: number): Promise<void> {
  const config = loadConfig(['--data-dir', dataDir, '--env-workers', String(workers), '--port', '0']);
  const server = await createServer({ ...config, logger: null });
  watchDelays();
  process.on('message', async (message) => {
    if (message !== 'stop') return;
    await server.close();
    process.exit(0);
  });
  process.on('disconnect', () => process.exit(1));
  process.send?.(await server.listen({ host: '127.0.0.1', port: 0 }));
}

/** Answers every 'usage' that this process is sent. */
function watchDelays(): void {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const delayMs = delays.count === 0 ? 0 : Math.max(0, delays.percentile(99.9) / 1e6 - 1);
    process.send?.({ delayMs, cpuUs: ownCpuUs() } satisfies Usage);
    delays.reset();
  });
}

/** Of all threads. */
function ownCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function round(ms: number): number {
  return Number(ms.toPrecision(3));
}

function describe(row: Row): string {
  const share = Math.round((100 * row.steps_per_s) / row.inprocess_steps_per_s);
  const how = `${row.transport.padEnd(13)} n=${String(row.num_envs).padEnd(3)} ${row.clients} × ${row.pipelined}`;
  return `${how}  ${row.steps_per_s} steps/s, ${share} % of in process; p50 ${row.p50_ms} ms, p99 ${row.p99_ms} ms; event loop p99.9 ${row.event_loop_p999_ms} ms (idle ${row.idle_event_loop_p999_ms}); CPU ${row.cpu_us_per_step} µs a step, in process ${row.inprocess_cpu_us_per_step}\n`;
}
