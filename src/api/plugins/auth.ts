// Who may call what: `Authorization: Bearer <key>`, held against SHA-256 digests, and the scopes of the key against the contract.
// The keys themselves are nowhere in the server.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type ApiKey, type KeyRing, mayUse, type Scope } from '../../api-keys.ts';
import { DomainError } from '../../errors.ts';
import type { Contract } from '../contract.ts';
import { keyIn, offeredProtocols } from '../websocket/sub-protocols.ts';

export interface AuthOptions {
  /** Null = everybody is let in. */
  readonly ring: KeyRing | null;
  readonly contract: Contract;
  /** Routes that ask for no key, by their pattern. */
  readonly isOpen: (route: string) => boolean;
}

const digests = new WeakMap<FastifyRequest, string>();

/** Of the key that a request was let in with. */
export function keyDigestOf(request: FastifyRequest): string | null {
  return digests.get(request) ?? null;
}

export const auth = fp<AuthOptions>(
  async (app, { ring, contract, isOpen }) => {
    if (ring === null) return;
    const operations = new Map(
      contract.operations.map((operation) => [`${operation.method} ${operation.url}`, operation]),
    );
    // A long poll, a stream of events, a WebSocket: what goes on ends with the right to it.
    const open = new Map<FastifyRequest, Scope | null>();
    app.addHook('onRequest', async (request) => {
      // The pattern of the route that was found, never the raw path: an encoded path cannot pretend to be an open one.
      const route = request.routeOptions.url;
      if (route !== undefined && isOpen(route)) return;
      const key = acceptedKey(keyOf(request.headers), ring.keys);
      if (key === null) {
        const detail = 'Send one of this server\'s API keys in the header Authorization, as "Bearer <key>".';
        throw new DomainError('unauthorized', detail);
      }
      digests.set(request, key.digest);
      const operation = operations.get(`${request.method === 'HEAD' ? 'GET' : request.method} ${route}`);
      // Nobody serves it, or not with this method: whoever has a key may hear that.
      const scope = operation?.scope ?? null;
      if (operation !== undefined && scope !== null && !mayUse(key, scope)) {
        throw new DomainError(
          'insufficient_scope',
          `${operation.operationId} needs a key with the scope ${scope}, and this one has ${key.scopes.join(', ')}; make one with: gymserve keys create --scopes ${scope}`,
        );
      }
      open.set(request, scope);
      if (isUpgrade(request.headers)) request.raw.socket.once('close', () => open.delete(request));
    });
    app.addHook('onResponse', (request, _, done) => {
      if (!isUpgrade(request.headers)) open.delete(request);
      done();
    });
    ring.onChange(() => {
      for (const [request, scope] of open)
        if (!ring.lets(digests.get(request) ?? '', scope)) request.raw.socket.destroy();
    });
  },
  { name: 'gymserve-auth' },
);

/** A page cannot set Authorization for a WebSocket, so there the key may be a sub-protocol. */
function keyOf(headers: IncomingHttpHeaders): string | null {
  const { authorization } = headers;
  if (authorization === undefined && isUpgrade(headers)) return keyIn(offeredProtocols(headers));
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? null;
}

function isUpgrade({ upgrade }: IncomingHttpHeaders): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

function acceptedKey(key: string | null, accepted: readonly ApiKey[]): ApiKey | null {
  if (key === null) return null;
  const digest = createHash('sha256').update(key).digest();
  // Every digest is compared, so that the time tells nothing about which one fits.
  const fitting = accepted.filter((candidate) => {
    const wanted = Buffer.from(candidate.digest, 'hex');
    return wanted.length === digest.length && timingSafeEqual(wanted, digest);
  });
  return fitting[0] ?? null;
}
