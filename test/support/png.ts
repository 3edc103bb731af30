// Reads PNG files as the specification says (https://www.w3.org/TR/png-3/), holding every chunk to its checksum.
import assert from 'node:assert/strict';
import { crc32, inflateSync } from 'node:zlib';
import type { Image } from '../../src/envs/render/image.ts';

export interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

export function chunksOf(file: Buffer): Chunk[] {
  assert.equal(file.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  const chunks: Chunk[] = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    assert.equal(file.readUInt32BE(at + 8 + length), crc32(body), 'the checksum');
    chunks.push({ type: body.toString('latin1', 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  assert.equal(chunks.at(-1)?.type, 'IEND');
  return chunks;
}

/** The still picture of a file of 8-bit RGB. */
export function decodePng(file: Buffer): Image {
  const chunks = chunksOf(file);
  const header = chunks[0];
  assert.ok(header?.type === 'IHDR' && header.data.length === 13);
  assert.deepEqual([...header.data.subarray(8)], [8, 2, 0, 0, 0], '8-bit RGB, not interlaced');
  const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data));
  return unfiltered(header.data.readUInt32BE(0), header.data.readUInt32BE(4), data);
}

export function unfiltered(width: number, height: number, deflated: Buffer): Image {
  const rows = inflateSync(deflated);
  const length = 3 * width;
  assert.equal(rows.length, height * (length + 1));
  const data = new Uint8Array(height * length);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (length + 1)];
    assert.ok(filter === 0 || filter === 1 || filter === 2, `filter ${filter}`);
    for (let i = 0; i < length; i++) {
      const left = i < 3 ? 0 : (data[y * length + i - 3] as number);
      const above = y === 0 ? 0 : (data[(y - 1) * length + i] as number);
      data[y * length + i] = (rows[y * (length + 1) + 1 + i] as number) + ([0, left, above][filter] as number);
    }
  }
  return { width, height, data };
}

/** Red, green and blue of the pixel in column `x` of row `y`. */
export function pixelOf({ width, data }: Image, x: number, y: number): [number, number, number] {
  const at = 3 * (y * width + x);
  return [data[at] as number, data[at + 1] as number, data[at + 2] as number];
}
