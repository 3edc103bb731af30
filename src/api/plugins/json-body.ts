// Bodies of JSON.
import type { IncomingHttpHeaders } from 'node:http';
import fp from 'fastify-plugin';
import { DomainError } from '../../errors.ts';
import { parseBody, textOf } from '../json.ts';
import { quote } from '../problem.ts';

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
