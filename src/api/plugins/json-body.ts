// The one kind of body: JSON, parsed with limits that later recursion relies on.
import type { IncomingHttpHeaders } from 'node:http';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';
import { depthOf } from '../../json-depth.ts';
import { InvalidRequest, quote } from '../problem.ts';

/** Validators, storage and JSON.stringify recurse; a megabyte of brackets would overflow the stack. */
const MAX_DEPTH = 64;

export const jsonBody = fp(
  async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, ({ headers }, bytes, done) => {
      try {
        requireUtf8(headers);
        done(null, parseBody(textOf(bytes as Buffer)));
      } catch (error) {
        done(error as Error, undefined);
      }
    });
  },
  { name: 'gymserve-json-body' },
);

/** JSON is UTF-8 (RFC 8259 §8.1), and nobody here unpacks. */
function requireUtf8({
  'content-type': type = '',
  'content-encoding': encoding = 'identity',
}: IncomingHttpHeaders): void {
  if (encoding.toLowerCase() !== 'identity') {
    const detail = `Content-Encoding is ${quote(encoding)}; send the body as it is, without Content-Encoding.`;
    throw new DomainError('unsupported_media_type', detail);
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset))
    throw new DomainError('unsupported_media_type', `The charset of the body is ${quote(charset)}; send UTF-8.`);
}

/** Throws `InvalidRequest` where `bytes` are no UTF-8: replacing what is wrong would change what was sent. */
function textOf(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new InvalidRequest('The body is not valid UTF-8; encode it as UTF-8.');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws `InvalidRequest`. Nothing is `{}`. */
export function parseBody(text: string): unknown {
  if (text.trim() === '') return {};
  if (depthOf(text) > MAX_DEPTH)
    throw new InvalidRequest(`The body is nested more than ${MAX_DEPTH} levels deep; flatten it.`);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new InvalidRequest(`The body is not valid JSON (${(error as SyntaxError).message}); correct it.`);
  }
  // An escape may hide a name, so any escape is worth the walk.
  const name = /\\u|"(?:__proto__|constructor)"/.test(text) ? forbiddenName(body) : null;
  if (name !== null) throw new InvalidRequest(`The body has a field "${name}", which no object may have; remove it.`);
  return body;
}

/** A name that could reach an object's prototype in code that copies fields by name. */
function forbiddenName(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || (!Array.isArray(value) && name === 'constructor')) return name;
    const below = forbiddenName(member);
    if (below !== null) return below;
  }
  return null;
}
