// Browsers let any page open a WebSocket to any server, without asking it first; they say which page it was.
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../../errors.ts';
import { quote } from '../problem.ts';

/** Throws `forbidden_origin` for a page that neither is this server's own nor one of the `allowed` origins. */
export function requireOrigin({ origin, host }: IncomingHttpHeaders, allowed: readonly string[]): void {
  // Only browsers send it.
  if (origin === undefined || allowed.includes(origin) || hostOf(origin) === host) return;
  throw new DomainError(
    'forbidden_origin',
    `The page is of the origin ${quote(origin)}, and this server takes WebSockets of its own alone; start it with --allow-origins ${origin.slice(0, 100)} if that page may use it.`,
  );
}

/** Null for "null", which a browser sends for files and sandboxed frames. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
