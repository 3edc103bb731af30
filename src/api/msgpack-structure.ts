// The outline of a MessagePack document, read before anything is made of it: a decoder takes a header's word for how long an
// array is, and a few bytes may promise billions. https://github.com/msgpack/msgpack/blob/master/spec.md
import { isUtf8 } from 'node:buffer';

/** Throws a `RangeError` in words for a client unless `bytes` are one whole value, at most `maxDepth` deep, of what JSON also has, and bins. */
export function checkStructure(bytes: Uint8Array, maxDepth: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Values that each open array or map still lacks; those of maps are negative, keys and values counted. */
  const open: number[] = [];
  let at = 0;
  /** Values that are promised and not read yet; each takes a byte at least. */
  let promised = 1;

  const read = (size: number): number => {
    const from = at;
    at += size;
    if (at > bytes.length) throw new RangeError('ends in the middle of a value');
    return from;
  };
  const length = (size: number): number => {
    const from = read(size);
    return size === 1 ? view.getUint8(from) : size === 2 ? view.getUint16(from) : view.getUint32(from);
  };
  const text = (size: number) => {
    const from = read(size);
    if (!isUtf8(bytes.subarray(from, at))) throw new RangeError('holds a string that is not valid UTF-8');
  };
  /** Whether the value is whole already. */
  const enter = (count: number, isMap: boolean): boolean => {
    if (count === 0) return true;
    if (open.length >= maxDepth) throw new RangeError(`is nested more than ${maxDepth} levels deep`);
    promised += count;
    if (promised > bytes.length - at) throw new RangeError('promises more values than it holds');
    open.push(isMap ? -count : count);
    return false;
  };
  /** Reads one value; of an array or a map, only its head. Tells whether the value is whole. */
  const value = (head: number): boolean => {
    if (head <= 0x7f || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) return true;
    if (head <= 0x8f) return enter((head & 0x0f) * 2, true);
    if (head <= 0x9f) return enter(head & 0x0f, false);
    if (head === 0xdc || head === 0xdd) return enter(length(head === 0xdc ? 2 : 4), false);
    if (head === 0xde || head === 0xdf) return enter(length(head === 0xde ? 2 : 4) * 2, true);
    if (head <= 0xbf) text(head & 0x1f);
    else if (head >= 0xd9 && head <= 0xdb) text(length(1 << (head - 0xd9)));
    else if (head >= 0xc4 && head <= 0xc6) read(length(1 << (head - 0xc4)));
    else if (head === 0xca) read(4);
    else if (head === 0xcb) read(8);
    else if (head >= 0xcc && head <= 0xcf) read(1 << (head - 0xcc));
    else if (head >= 0xd0 && head <= 0xd3) read(1 << (head - 0xd0));
    else if (head === 0xc1) throw new RangeError('holds the byte 0xc1, which begins no value');
    else throw new RangeError('holds an extension type, which nothing here reads');
    return true;
  };

  while (promised > 0) {
    const head = view.getUint8(read(1));
    const left = open.at(-1) ?? 0;
    // In a map, an even number of values is left before each key.
    if (left < 0 && left % 2 === 0 && !isText(head)) throw new RangeError('holds a map with a key that is no string');
    promised--;
    if (!value(head)) continue;
    // The last value of an array makes the array whole, which may be the last value of another.
    while (open.length > 0) {
      const top = open.length - 1;
      const rest = open[top] as number;
      open[top] = rest - Math.sign(rest);
      if (open[top] !== 0) break;
      open.pop();
    }
  }
  if (at < bytes.length) throw new RangeError(`goes on for ${bytes.length - at} bytes after its value`);
}

function isText(head: number): boolean {
  return (head >= 0xa0 && head <= 0xbf) || (head >= 0xd9 && head <= 0xdb);
}
