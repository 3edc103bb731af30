// Malformed input by the thousand against a server in this process: every answer is a refusal or an answer, never a fault, and the
// server goes on as before. Inputs are chosen by a seed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { encode } from '@msgpack/msgpack';
import { FORMATS, type SubProtocol } from '../../src/api/websocket/frame-format.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { below, malformedSafetensors, mutated, mutatedJson, noise, pick, websocketFrame } from './malformed.ts';
import { NEW_AGENT, type RealServer } from './real-servers.ts';

/** How often which answer came. */
export type Answers = Map<string, number>;

export interface Target {
  /** Sends one malformed input and returns what came of it. */
  send(rng: Pcg64): Promise<string>;
  /** Throws where the server is not what it was. */
  check(): Promise<void>;
  close(): void;
}

/** What comes of a run: throws where an answer is a fault. */
export async function feed(target: Target, count: number, rng: Pcg64, answers: Answers = new Map()): Promise<Answers> {
  for (let i = 0; i < count; i++) {
    const answer = await target.send(rng);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  return answers;
}

export const TARGETS: Readonly<Record<string, (server: RealServer) => Promise<Target>>> = {
  'safetensors files': snapshots,
  'imported checkpoints': imports,
  'MessagePack bodies': messages,
  'WebSocket frames': frames,
};

/** Files that are no snapshot of a wrapped vector environment, to be restored into it. */
async function snapshots(server: RealServer): Promise<Target> {
  const id = await environment(server, {
    num_envs: 2,
    wrappers: [{ name: 'NormalizeObservation' }, { name: 'ActionDelay' }],
  });
  const client = new Client(server.url);
  const path = `/v1/environments/${id}/state`;
  const file = (await client.send('GET', path)).body;
  return {
    send: async (rng) =>
      client.refusal('PUT', path, malformedSafetensors(rng, file), 'application/octet-stream', [400, 422]),
    check: async () => {
      assert.equal((await client.send('PUT', path, file, 'application/octet-stream')).status, 200);
      assert.deepEqual((await client.send('GET', path)).body, file, 'the state is the one that was put');
    },
    close: () => client.close(),
  };
}

/** Files that are no checkpoint of an agent, to be imported. What is right all the same is deleted again. */
async function imports(server: RealServer): Promise<Target> {
  const { body: agent } = await server.http.post('/v1/agents').send(NEW_AGENT).expect(201);
  const client = new Client(server.url);
  const file = (await client.send('GET', `/v1/checkpoints/${agent.checkpoint_id}/content`)).body;
  const put = (bytes: Buffer) => client.send('POST', '/v1/checkpoints', bytes, 'application/octet-stream');
  const erase = async ({ body }: Reply) => {
    const { status } = await client.send('DELETE', `/v1/checkpoints/${JSON.parse(body.toString()).id}`);
    assert.equal(status, 204);
  };
  return {
    send: async (rng) => {
      const bytes = malformedSafetensors(rng, file);
      const answer = await put(bytes);
      if (answer.status !== 201) return problemIn(answer, `POST of ${bytes.length} bytes`, [400, 404, 422]);
      await erase(answer);
      return '201';
    },
    check: async () => {
      const answer = await put(file);
      assert.equal(answer.status, 201);
      await erase(answer);
      const { body } = await server.http.get(`/v1/agents/${agent.id}/checkpoints`).expect(200);
      assert.equal(body.data.length, 1);
    },
    close: () => client.close(),
  };
}

/** Bodies that are no step, no observation and no rollout. */
async function messages(server: RealServer): Promise<Target> {
  const id = await environment(server, { num_envs: 2 });
  const single = await environment(server, {});
  const client = new Client(server.url);
  const data = Buffer.alloc(8);
  const step = { actions: { dtype: 'float32', shape: [2, 1], data } };
  const kinds = [
    { path: `/v1/environments/${id}/step`, body: step },
    { path: `/v1/environments/${id}/reset`, body: { seed: [1, null], reset_mask: [true, false] } },
    { path: `/v1/environments/${single}/step`, body: { action: { dtype: 'float64', shape: [1], data } } },
    {
      path: `/v1/environments/${single}/rollout`,
      body: { actions: { dtype: 'float32', shape: [2, 1], data }, infos: true },
    },
    { path: `/v1/environments/${single}/action-space/sample`, body: {} },
  ];
  return {
    send: async (rng) => {
      const { path, body } = pick(rng, kinds);
      return client.refusal(
        'POST',
        path,
        malformedMessage(rng, body),
        'application/msgpack',
        [200, 400, 409, 413, 415, 422],
      );
    },
    check: async () => {
      for (const path of [id, single])
        assert.equal((await client.send('POST', `/v1/environments/${path}/reset`, Buffer.from('{}'))).status, 200);
      assert.equal(
        (await client.send('POST', `/v1/environments/${id}/step`, Buffer.from(encode(step)), 'application/msgpack'))
          .status,
        200,
      );
    },
    close: () => client.close(),
  };
}

/** Frames that are none, and frames whose payload is no message, each on a connection of its own. */
async function frames(server: RealServer): Promise<Target> {
  const id = await environment(server, {});
  const path = `/v1/environments/${id}/ws`;
  const client = new Client(server.url);
  return {
    send: async (rng) => {
      const protocol = pick(rng, Object.keys(FORMATS)) as SubProtocol;
      return await answerTo(server.url, path, protocol, malformedFrame(rng, protocol));
    },
    check: async () => {
      const reset = websocketFrame(Buffer.from('{"type":"reset","id":1}'), { first: 0x81 });
      assert.equal(await answerTo(server.url, path, 'gymserve.v1.json', reset, 10_000), 'result');
      assert.equal((await client.send('GET', `/v1/environments/${id}`)).status, 200);
    },
    close: () => client.close(),
  };
}

function malformedMessage(rng: Pcg64, body: object): Buffer {
  const how = rng.random();
  if (how < 0.2) return noise(rng, 1 + below(rng, 60));
  if (how < 0.7) return mutated(rng, encode(body));
  const strange = mutatedJson(rng, body);
  return Buffer.from(encode(strange));
}

function malformedFrame(rng: Pcg64, protocol: SubProtocol): Buffer {
  const { isBinary } = FORMATS[protocol];
  const request = { type: pick(rng, ['step', 'reset', 'sample', 'rollout']), id: 1, body: { action: [0.1], seq: 1 } };
  const wrong = mutatedJson(rng, request);
  const payload = Buffer.from(isBinary ? encode(wrong) : JSON.stringify(wrong));
  const first = isBinary ? 0x82 : 0x81;
  const how = rng.random();
  if (how < 0.3) return websocketFrame(payload, { first });
  if (how < 0.5) return websocketFrame(mutated(rng, payload), { first });
  if (how < 0.6) return websocketFrame(payload, { first: isBinary ? 0x81 : 0x82 });
  if (how < 0.7) return websocketFrame(payload, { first: below(rng, 256), masked: rng.random() < 0.7 });
  if (how < 0.8) return websocketFrame(payload, { first, length: below(rng, 65_536) });
  if (how < 0.9) return mutated(rng, websocketFrame(payload, { first }));
  return noise(rng, 1 + below(rng, 40));
}

/**
 * What the server says to `frame` on a new connection: `result`, `error` or a close code. Where it says nothing for `patienceMs`, what
 * may be lacking of the frame is sent as zeros, which are no frame themselves; `silence` where it waits for more even then.
 */
async function answerTo(
  url: string,
  path: string,
  protocol: SubProtocol,
  frame: Buffer,
  patienceMs = 20,
): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = Buffer.alloc(0);
  let isOver = false;
  let wake = () => {};
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
      `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
  );
  socket.write(frame);
  const said = async (withinMs: number): Promise<string> => {
    const until = performance.now() + withinMs;
    while (!isOver && saidIn(received) === 'silence' && performance.now() < until) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.max(1, until - performance.now()));
      });
    }
    return saidIn(received);
  };
  let answer = await said(patienceMs);
  if (answer === 'silence' && !isOver) {
    socket.write(Buffer.alloc(70_000));
    answer = await said(100);
  }
  socket.destroy();
  return answer;
}

/** Of what a server sent, handshake and hello first: the first frame that answers. */
function saidIn(bytes: Buffer): string {
  const head = bytes.indexOf('\r\n\r\n');
  if (head < 0) return 'silence';
  assert.match(bytes.toString('latin1', 0, 12), /^HTTP\/1.1 101/, bytes.toString('latin1'));
  let close = 'silence';
  for (let at = head + 4; at + 4 <= bytes.length; ) {
    const opcode = (bytes[at] as number) & 0x0f;
    const short = bytes[at + 1] as number;
    const length = short < 126 ? short : bytes.readUInt16BE(at + 2);
    const from = at + (short < 126 ? 2 : 4);
    const payload = bytes.subarray(from, from + length);
    at = from + length;
    if (at > bytes.length) break;
    if (opcode === 8) close = payload.length < 2 ? 'closed' : `closed ${payload.readUInt16BE(0)}`;
    else if (opcode <= 2 && !payload.includes('hello')) {
      const text = payload.toString('latin1');
      assert.doesNotMatch(text, /internal/, text);
      return text.includes('urn:gymserve:error') ? 'error' : 'result';
    }
  }
  // What is not our own end echoed: these are documented, or say that the frame is none (RFC 6455 §7.4).
  assert.match(close, /^(?:silence|closed|closed (?:1000|1002|1003|1005|1007|1009))$/);
  return close;
}

async function environment({ http }: RealServer, more: object): Promise<string> {
  const made = await http
    .post('/v1/environments')
    .send({ spec_id: 'Pendulum-v1', seed: 1, idle_ttl_s: 86_400, ...more })
    .expect(201);
  const { id } = made.body;
  await http.post(`/v1/environments/${id}/reset`).expect(200);
  return id;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Over one connection that stays open. */
class Client {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  send(method: string, path: string, body?: Uint8Array, type = 'application/json'): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.#url}${path}`,
        {
          method,
          agent: this.#agent,
          ...(body && { headers: { 'content-type': type, 'content-length': body.length } }),
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part) => parts.push(part));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              type: response.headers['content-type'] ?? '',
              body: Buffer.concat(parts),
            }),
          );
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  /** The status and the code of the answer. Throws where the status is none of `statuses`. */
  async refusal(
    method: string,
    path: string,
    body: Buffer,
    type: string,
    statuses: readonly number[],
  ): Promise<string> {
    const answer = await this.send(method, path, body, type);
    if (answer.status === 200) return '200';
    return problemIn(answer, `${method} ${path} ${body.toString('base64')}`, statuses);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Its status and its code. Throws where the status is none of `statuses`. */
function problemIn({ status, type, body }: Reply, what: string, statuses: readonly number[]): string {
  const text = body.toString();
  assert.ok(statuses.includes(status), `${what}: ${status} ${text}`);
  assert.match(type, /^application\/problem\+json/);
  const { code, detail } = JSON.parse(text);
  assert.ok(detail.length > 0 && detail.length < 2000, text);
  return `${status} ${code}`;
}
