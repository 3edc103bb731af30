// Browsers let any page send a POST without a body, or open a WebSocket, to any server, without asking it first. They say which page it
// was, in Origin; and under which name it asked, in Host, which the owner of that name may have pointed here (DNS rebinding).
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../errors.ts';
import { isLoopback } from '../loopback.ts';
import { quote } from './problem.ts';

/** Throws `forbidden_origin` for a page that neither is this server's own nor one of the `allowed` origins. */
export function requireOrigin({ origin, host }: IncomingHttpHeaders, allowed: readonly string[]): void {
  // Only browsers send it.
  if (origin === undefined || allowed.includes(origin) || urlOf(origin)?.host === host) return;
  throw new DomainError(
    'forbidden_origin',
    `The page is of the origin ${quote(origin)}, and this server takes such calls from pages of its own alone; start it with --allow-origins ${origin.slice(0, 100)} if that page may send them.`,
  );
}

/** Throws `forbidden_host` where the server is called by a name that is neither this machine's nor of an `allowed` origin. */
export function requireOwnHost({ host }: IncomingHttpHeaders, allowed: readonly string[]): void {
  // Browsers always send it.
  if (host === undefined) return;
  const name = urlOf(`http://${host}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
  if (isLoopback(name) || name.endsWith('.localhost') || allowed.some((origin) => urlOf(origin)?.hostname === name))
    return;
  throw new DomainError(
    'forbidden_host',
    `Host is ${quote(host)}, and a server without API keys answers to localhost alone, since any page could call it by a name of its own; give it keys (--create-key true), or start it with --allow-origins http://${host.slice(0, 100)} if that is its name.`,
  );
}

/** Null for "null", which a browser sends for files and sandboxed frames. */
function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
