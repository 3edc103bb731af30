// Upgrades to WebSocket as requests of the app, with its hooks, keys and problems, until a route accepts them.
// Where a route does not, or another protocol is asked for (Java's client offers h2c with every request), the answer is plain HTTP.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { refuseMalformed } from '../plugins/errors.ts';
import { REQUEST_ID_HEADER } from '../plugins/request-id.ts';
import { InvalidRequest } from '../problem.ts';

/** What a closing server grants its sockets to say goodbye. */
const GOODBYE_MS = 1000;
const GOING_AWAY = 1001;

export class Upgrades {
  readonly #server: WebSocketServer;
  /** What to upgrade, by its request. */
  readonly #offered = new WeakMap<IncomingMessage, { readonly socket: Socket; readonly head: Buffer }>();
  readonly #requestIds = new WeakMap<IncomingMessage, string>();

  /** `protocols` are the sub-protocols that there are. */
  constructor(
    app: FastifyInstance,
    options: { readonly protocols: readonly string[]; readonly maxFrameBytes: number },
  ) {
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxFrameBytes,
      // Observations hardly shrink, and a client could make the server inflate.
      perMessageDeflate: false,
      handleProtocols: (offered) => options.protocols.find((protocol) => offered.has(protocol)) ?? false,
    });
    this.#server.on('headers', (headers, request) => {
      headers.push(`${REQUEST_ID_HEADER}: ${this.#requestIds.get(request) ?? ''}`);
    });
    this.#server.on('wsClientError', (error, socket) => refuseMalformed.call(app, error, socket as Socket));
    app.server.on('upgrade', (request, socket, head) => this.#route(app, request, socket as Socket, head));
    app.addHook('preClose', () => this.#close());
  }

  has({ raw }: FastifyRequest): boolean {
    return this.#offered.has(raw);
  }

  /** Answers `request` with 101 and hands its socket over. Throws `InvalidRequest` for a handshake that is none. */
  accept(request: FastifyRequest, reply: FastifyReply, onOpen: (socket: WebSocket) => void): void {
    const offer = this.#offered.get(request.raw);
    if (offer === undefined) throw new Error('There is nothing to upgrade.');
    requireHandshake(request.headers);
    this.#requestIds.set(request.raw, request.id);
    reply.hijack();
    reply.raw.detachSocket(offer.socket);
    this.#server.handleUpgrade(request.raw, offer.socket, offer.head, onOpen);
  }

  #route(app: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
    // Node has let go of the socket, so that nobody else would hear of its errors.
    socket.on('error', () => socket.destroy());
    if (wantsWebSocket(request)) this.#offered.set(request, { socket, head });
    else if (hasBody(request)) {
      refuseMalformed.call(app, UPGRADE_WITH_BODY, socket);
      return;
    }
    const response = new ServerResponse(request);
    // What follows on this connection would be read by nobody.
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.end());
    app.routing(request, response);
  }

  async #close(): Promise<void> {
    const clients = [...this.#server.clients];
    const gone = clients.map((client) => new Promise((resolve) => client.once('close', resolve)));
    for (const client of clients) client.close(GOING_AWAY, 'The server shuts down.');
    const late = setTimeout(() => {
      for (const client of clients) client.terminate();
    }, GOODBYE_MS);
    await Promise.all(gone);
    clearTimeout(late);
  }
}

/** For servers of Node ≥ 24.9, which then leave all other requests as they are; before that, see `#route`. */
export function wantsWebSocket({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const UPGRADE_WITH_BODY = Object.assign(new Error('An upgrade with a body.'), { code: 'UPGRADE_WITH_BODY' });

function requireHandshake({
  'sec-websocket-key': key = '',
  'sec-websocket-version': version,
}: IncomingMessage['headers']): void {
  if (!/^[+/0-9a-z]{22}==$/i.test(key))
    throw new InvalidRequest(
      'The header Sec-WebSocket-Key is not 16 bytes in base64; use a WebSocket client (RFC 6455).',
    );
  if (version !== '13')
    throw new InvalidRequest('The header Sec-WebSocket-Version is not 13; use a WebSocket client of RFC 6455.');
}
