// One range of bytes from a Range header (RFC 9110 §14).

export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/**
 * The bytes that `header` asks for of a file of `size` bytes. Null where the header is absent, of another unit, malformed
 * or names several ranges: RFC 9110 lets a server ignore those and send the whole file.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null) return null;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return null;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return null;
  return first >= size ? 'unsatisfiable' : { first, last };
}
