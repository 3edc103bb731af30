// Files that are downloaded: what their headers say, and whether the client has one already (RFC 9110 §13.1.2).

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
