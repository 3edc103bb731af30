// The header Sec-WebSocket-Protocol, the one that a browser's WebSocket lets a page set; so it may carry the key, too.
import type { IncomingHttpHeaders } from 'node:http';

const KEY_PREFIX = 'gymserve.key.';

export function offeredProtocols(headers: IncomingHttpHeaders): string[] {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').flatMap((protocol) => (protocol.trim() === '' ? [] : [protocol.trim()]));
}

/** The API key among them; null where there is none. */
export function keyIn(protocols: readonly string[]): string | null {
  return protocols.find((protocol) => protocol.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length) ?? null;
}
