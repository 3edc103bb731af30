// Whoever reaches a server without API keys may use it, and every page that its user opens reaches it: so pages of others may not.
// Where there are keys, a page has none.
import fp from 'fastify-plugin';
import { requireOrigin, requireOwnHost } from '../origin.ts';

/** These change nothing, and their answers are not for other pages to read (browser.ts). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface OwnPagesOptions {
  readonly allowedOrigins: readonly string[];
  /** Whether the server may be called by any name. */
  readonly anyHost: boolean;
  /** Routes for everybody, by their pattern. */
  readonly isOpen: (route: string) => boolean;
}

export const ownPages = fp<OwnPagesOptions>(
  async (app, { allowedOrigins, anyHost, isOpen }) => {
    app.addHook('onRequest', ({ method, headers, routeOptions }, _, done) => {
      if (routeOptions.url !== undefined && isOpen(routeOptions.url)) return done();
      if (!anyHost) requireOwnHost(headers, allowedOrigins);
      if (!SAFE.has(method)) requireOrigin(headers, allowedOrigins);
      done();
    });
  },
  { name: 'gymserve-own-pages', dependencies: ['gymserve-errors'] },
);
