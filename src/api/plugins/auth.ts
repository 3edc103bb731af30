// Who may call: `Authorization: Bearer <key>`, held against SHA-256 digests. The keys themselves are nowhere in the server.
import { createHash, timingSafeEqual } from 'node:crypto';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';

export interface AuthOptions {
  /** SHA-256 digests in hex of the keys that are let in; null = everybody is. */
  readonly keyDigests: readonly string[] | null;
  /** Routes that ask for no key, by their pattern. */
  readonly isOpen: (route: string) => boolean;
}

export const auth = fp<AuthOptions>(
  async (app, { keyDigests, isOpen }) => {
    if (keyDigests === null) return;
    const accepted = keyDigests.map((digest) => Buffer.from(digest, 'hex'));
    app.addHook('onRequest', async (request) => {
      // The pattern of the route that was found, never the raw path: an encoded path cannot pretend to be an open one.
      const route = request.routeOptions.url;
      if (route !== undefined && isOpen(route)) return;
      if (!isAccepted(request.headers.authorization, accepted)) {
        const detail = 'Send one of this server\'s API keys in the header Authorization, as "Bearer <key>".';
        throw new DomainError('unauthorized', detail);
      }
    });
  },
  { name: 'gymserve-auth' },
);

function isAccepted(authorization: string | undefined, accepted: readonly Buffer[]): boolean {
  const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) return false;
  const digest = createHash('sha256').update(key).digest();
  // Every digest is compared, so that the time tells nothing about which one fits.
  return accepted
    .map((candidate) => candidate.length === digest.length && timingSafeEqual(candidate, digest))
    .includes(true);
}
