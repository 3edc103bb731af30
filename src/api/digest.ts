// What a client says of the bytes that it sends (RFC 9530).
import { InvalidRequest, quote } from './problem.ts';

const HEADERS = ['repr-digest', 'content-digest'] as const;
/** A member of the dictionary that is such a digest; base64 of 32 bytes. */
const SHA256 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:$|[,;])/;

/** The SHA-256 that the headers say, in hex; null where they say none. Throws `InvalidRequest` for one that cannot be read. */
export function digestClaimed(headers: { readonly [name in (typeof HEADERS)[number]]?: string }): string | null {
  const claims = HEADERS.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [digestOf(name, value)];
  });
  if (new Set(claims).size > 1)
    throw new InvalidRequest('Repr-Digest and Content-Digest differ; of bytes as they are they are the same.');
  return claims[0] ?? null;
}

function digestOf(name: string, value: string): string {
  const [, digest] = SHA256.exec(value) ?? [];
  if (digest !== undefined) return Buffer.from(digest, 'base64').toString('hex');
  const detail = `The header ${name} is ${quote(value)}; send sha-256=:…: with the SHA-256 in base64, or leave it out.`;
  throw new InvalidRequest(detail, [{ pointer: `/headers/${name}`, detail }]);
}
