// Files that are downloaded: what their headers say, whether the client has one already (RFC 9110 §13.1.2), and parts of them.
import type { Readable } from 'node:stream';
import { DomainError } from '../errors.ts';
import { parseRange } from './byte-range.ts';
import { quote } from './problem.ts';

interface StoredFile {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
  /** Its bytes from `start` to `end`, both counted in. */
  read(start: number, end: number): Readable;
}

interface DownloadHeaders {
  readonly range?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

/** `name` is what a browser saves the file as. */
export function fileHeaders(sha256: string, name: string) {
  return {
    ETag: `"${sha256}"`,
    'Repr-Digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'Content-Disposition': `attachment; filename="${name}"`,
  } as const;
}

/** Whether an If-None-Match names the file: by its tag, weak or strong, or as any. */
export function namesTag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** The file, the part of it that was asked for, or nothing where the client has it. Throws `range_not_satisfiable`. */
export function sendFile({ sizeBytes, sha256, read }: StoredFile, name: string, headers: DownloadHeaders) {
  const file = fileHeaders(sha256, name);
  if (namesTag(headers['if-none-match'], file.ETag)) return { status: 304, headers: { ETag: file.ETag } } as const;
  const common = { ...file, 'Accept-Ranges': 'bytes' } as const;
  const type = 'application/octet-stream';
  const isStale = headers['if-range'] !== undefined && headers['if-range'] !== file.ETag;
  const range = isStale ? null : parseRange(headers.range, sizeBytes);
  if (range === 'unsatisfiable') {
    const detail = `The file has ${sizeBytes} bytes and Range is ${quote(headers.range ?? '')}; ask for bytes that it has.`;
    throw new DomainError('range_not_satisfiable', detail);
  }
  if (range === null) {
    const whole = { ...common, 'Content-Length': `${sizeBytes}` };
    return { status: 200, type, headers: whole, body: read(0, sizeBytes - 1) } as const;
  }
  const { first, last } = range;
  const part = {
    ...common,
    'Content-Range': `bytes ${first}-${last}/${sizeBytes}`,
    'Content-Length': `${last - first + 1}`,
  };
  return { status: 206, type, headers: part, body: read(first, last) } as const;
}
