// Real servers, each on a data directory of its own, with every response held to the contract.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Contract, loadContract } from '../../src/api/contract.ts';
import { digestOf, SCOPES, type Scope } from '../../src/api-keys.ts';
import { createServer, type GymserveServer, type ServerConfig } from '../../src/server.ts';
import { ENGINE_SETTINGS } from './engine-settings.ts';
import { RecordedResponses, type RecordingClient, recordingClient } from './recorded-responses.ts';

export const KEY = 'gsk_test_key';
/** Of a key with one scope alone. */
export const keyFor = (scope: Scope): string => `${KEY}_${scope}`;
export const SPEC = 'Pendulum-v1';
/** Jobs of such an agent take a second or two. */
export const SMALL = { hidden_sizes: [16, 16], batch_size: 16, learning_starts: 50 };
export const NEW_AGENT = { algorithm: 'sac', spec_id: SPEC, hyperparameters: SMALL, seed: 1 };
/** Well formed, and from a time that has not come. */
export const NOBODY = '7zzzzzzzzzzzzzzzzzzzzzzzzz';

export interface RealServer {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly http: RecordingClient;
  readonly dataDir: string;
  close(): Promise<void>;
}

export interface RealContext extends RealServer {
  readonly contract: Contract;
  readonly recorded: RecordedResponses;
  /** Behind a key. */
  readonly locked: RecordingClient;
  /** Lets one request a minute through. */
  readonly limited: RecordingClient;
  /** A further server; who starts it closes it. */
  start(config?: Partial<ServerConfig>): Promise<RealServer>;
}

export async function startRealServers(): Promise<RealContext> {
  const contract = loadContract();
  const recorded = new RecordedResponses(contract);
  const start = (config?: Partial<ServerConfig>) => startRealServer(recorded, config);
  const open = await start({ maxRunningJobs: 2 });
  const locked = await start({
    apiKeys: [
      { digest: digestOf(KEY), scopes: ['admin'] },
      ...SCOPES.map((scope) => ({ digest: digestOf(keyFor(scope)), scopes: [scope] })),
    ],
  });
  const limited = await start({ rateLimitPerMinute: 1 });
  return {
    ...open,
    contract,
    recorded,
    locked: locked.http,
    limited: limited.http,
    start,
    close: async () => {
      await open.close();
      await locked.close();
      await limited.close();
    },
  };
}

export async function startRealServer(
  recorded: RecordedResponses,
  config: Partial<ServerConfig> = {},
): Promise<RealServer> {
  const folder = config.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'gymserve-real-')) : null;
  const dataDir = config.dataDir ?? folder ?? '';
  const server: GymserveServer = await createServer({
    engine: 'auto',
    engines: ENGINE_SETTINGS,
    threads: 1,
    maxRunningJobs: 1,
    jobMemory: { jobBytes: 2 ** 30, totalBytes: 2 ** 30 },
    envWorkers: 1,
    resumeJobs: true,
    apiKeys: null,
    logger: null,
    ...config,
    dataDir,
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    app: server.app,
    url,
    http: recordingClient(server.app, recorded),
    dataDir,
    close: async () => {
      await server.close();
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** One request as text, for what no HTTP client would send. */
export function rawRequest(method: string, path: string, body?: string): string {
  const content =
    body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${content}\r\n${body ?? ''}`;
}

/** The answers to `count` requests that are sent at once on one connection. */
export function pipeline(url: string, requests: string | Uint8Array, count: number): Promise<RawResponse[]> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(requests));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const responses = parseResponses(received);
      if (responses.length < count) return;
      socket.destroy();
      resolve(responses);
    });
    socket.on('close', () => resolve(parseResponses(received)));
    socket.on('error', reject);
  });
}

/** The answer to a request of which the second half is sent while `between` goes on. */
export async function pipelineInTwo(url: string, request: string, between: () => Promise<void>): Promise<RawResponse> {
  const half = Math.floor(request.length / 2);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(request.slice(0, half));
  // Until another request was answered, the half may not have arrived.
  await fetch(`${url}/healthz`, { headers: { connection: 'close' } });
  const done = between();
  // By then `between` has begun to close the server.
  await new Promise((resolve) => setImmediate(resolve));
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.write(request.slice(half));
  await once(socket, 'close');
  await done;
  const [response] = parseResponses(received);
  if (response === undefined) throw new Error(`There was no answer but ${received}.`);
  return response;
}

/** Whole responses with a Content-Length or none. */
function parseResponses(bytes: Buffer): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return responses;
    const [statusLine = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const start = end + 4;
    at = start + Number(headers['content-length'] ?? 0);
    if (at > bytes.length) return responses;
    responses.push({ status: Number(statusLine.split(' ')[1]), headers, text: bytes.toString('utf8', start, at) });
  }
}
