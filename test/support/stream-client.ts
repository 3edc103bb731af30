// A WebSocket of an environment, with every frame held to the contract.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { decode, encode } from '@msgpack/msgpack';
import { type ClientOptions, WebSocket } from 'ws';
import { named, type RecordedResponses } from './recorded-responses.ts';

export interface Frame {
  readonly type: 'hello' | 'result' | 'error';
  readonly id?: number | string | null;
  readonly window?: number;
  readonly last_seq?: number;
  readonly result?: Record<string, never>;
  readonly error?: { readonly code: string; readonly status: number; readonly detail: string };
}

const SCHEMA_OF = { hello: 'StreamHello', result: 'StreamResult', error: 'StreamError' };

export class StreamClient {
  readonly socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: (() => void)[] = [];
  #closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(socket: WebSocket, recorded: RecordedResponses) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      const frame = (isBinary ? decode(data) : JSON.parse(data.toString())) as Frame;
      recorded.assertValue('A frame', { $ref: `openapi#/components/schemas/${SCHEMA_OF[frame.type]}` }, named(frame));
      this.#frames.push(frame);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  /** Rejects where the handshake is refused. */
  static async open(
    { url, recorded }: { readonly url: string; readonly recorded: RecordedResponses },
    environmentId: string,
    protocols: readonly string[] = ['gymserve.v1.json'],
    options: ClientOptions = {},
  ): Promise<StreamClient> {
    const path = `/v1/environments/${environmentId}/ws`;
    const socket = new WebSocket(url.replace('http', 'ws') + path, [...protocols], options);
    socket.on('upgrade', ({ headers }) => recorded.record('GET', path, { status: 101, headers, text: '' }));
    const client = new StreamClient(socket, recorded);
    await once(socket, 'open');
    return client;
  }

  send(frame: object | string | Uint8Array): void {
    const isRaw = typeof frame === 'string' || frame instanceof Uint8Array;
    this.socket.send(isRaw ? frame : this.socket.protocol.endsWith('msgpack') ? encode(frame) : JSON.stringify(frame));
  }

  /** The next frame. Throws where the socket closes first. */
  async next(): Promise<Frame> {
    while (this.#frames.length === 0 && this.#closed === null) await this.#change();
    const frame = this.#frames.shift();
    assert.ok(frame, `The socket closed with ${JSON.stringify(this.#closed)}.`);
    return frame;
  }

  /** How the server closed it; frames that came before are dropped. */
  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.#closed === null) await this.#change();
    return this.#closed;
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** The answer to a handshake that is refused. */
export async function refusedHandshake(
  { url, recorded }: { readonly url: string; readonly recorded: RecordedResponses },
  path: string,
  protocols: readonly string[] = ['gymserve.v1.json'],
  options: ClientOptions = {},
): Promise<{ readonly status: number; readonly body: { readonly code: string; readonly detail: string } }> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, [...protocols], options);
  socket.on('error', () => undefined);
  const [request, response] = await once(socket, 'unexpected-response');
  let text = '';
  for await (const chunk of response) text += chunk;
  request.destroy();
  const status = response.statusCode as number;
  recorded.record('GET', path, { status, headers: response.headers, text });
  return { status, body: JSON.parse(text) };
}
