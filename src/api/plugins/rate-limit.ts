// So many requests a minute for each key, and for each address where there are no keys or none is asked for, as by the docs. Counted after the key was looked at:
// a wrong one costs a hash, and must not use up what a right one may do.
import rateLimitPlugin from '@fastify/rate-limit';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';
import { keyDigestOf } from './auth.ts';

export interface RateLimitOptions {
  /** 0 = as many as come. */
  readonly perMinute: number;
  /** Routes that are not counted, by their pattern. */
  readonly isFree: (route: string) => boolean;
}

export const rateLimit = fp<RateLimitOptions>(
  async (app, { perMinute, isFree }) => {
    if (perMinute === 0) return;
    await app.register(rateLimitPlugin, {
      max: perMinute,
      timeWindow: 60_000,
      keyGenerator: (request) => keyDigestOf(request) ?? request.ip,
      allowList: (request) => isFree(request.routeOptions.url ?? ''),
      errorResponseBuilder: (_, { ttl }) =>
        new DomainError(
          'too_many_requests',
          `This key or address has made its ${perMinute} requests of this minute; go on in ${Math.ceil(ttl / 1000)} s, or start the server with a higher --rate-limit.`,
        ),
    });
  },
  { name: 'gymserve-rate-limit', dependencies: ['gymserve-auth'] },
);
