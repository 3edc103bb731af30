// A job's metrics as a TensorBoard event file: TFRecords of `Event` messages, one scalar each.
// tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto describe the format.
import { bytes, double, encode, type Field, float, integer, message, string } from '../../protobuf.ts';
import type { MetricSeries } from '../../storage/jobs.ts';

/** Points carry no time of their own: all have that of the job's start, so the file depends on nothing else. */
export function eventFile(startedAt: Date, series: readonly MetricSeries[]): Uint8Array {
  const wallTime = double(1, startedAt.getTime() / 1000);
  const version = record(encode(wallTime, string(3, 'brain.Event:2')));
  const events = series.flatMap(({ key, points }) =>
    points.map(([step, value]) => record(encode(wallTime, integer(2, step), scalar(key, value)))),
  );
  return Buffer.concat([version, ...events]);
}

/** `summary { value { tag, simple_value } }`. */
const scalar = (tag: string, value: number): Field => bytes(5, encode(message(1, string(1, tag), float(2, value))));

/** Length, its checksum, the data, its checksum; little-endian. */
function record(data: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedChecksum(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedChecksum(data));
  return Buffer.concat([head, data, tail]);
}

/** Rotated and shifted, since a checksum of data that holds its own checksum says little. */
function maskedChecksum(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli) by the byte; zlib's is another polynomial. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
