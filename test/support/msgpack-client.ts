// MessagePack as a client speaks it, written without the server's own code.
import { decode, encode } from '@msgpack/msgpack';
import type { RecordedResponses } from './recorded-responses.ts';

const TYPE = 'application/msgpack';

export interface WireTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A float32 tensor. */
export function tensor(shape: readonly number[], numbers: readonly number[]): WireTensor {
  return { dtype: 'float32', shape, data: new Uint8Array(Float32Array.from(numbers).buffer) };
}

/** The numbers of a tensor in nested lists; flags are 0 and 1. */
export function listed({ dtype, shape, data }: WireTensor): unknown {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const size = { bool: 1, uint8: 1, int32: 4, float32: 4, int64: 8, float64: 8 }[dtype] ?? 0;
  const at = (i: number): number => {
    if (dtype === 'float32') return view.getFloat32(i * size, true);
    if (dtype === 'float64') return view.getFloat64(i * size, true);
    if (dtype === 'int64') return Number(view.getBigInt64(i * size, true));
    return dtype === 'int32' ? view.getInt32(i * size, true) : view.getUint8(i);
  };
  let next = 0;
  const build = (rank: number): unknown =>
    rank === shape.length ? at(next++) : Array.from({ length: shape[rank] as number }, () => build(rank + 1));
  return build(0);
}

export interface PackedAnswer {
  readonly status: number;
  /** Of a problem, JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** POSTs `body`, MessagePack already where it is bytes, and takes MessagePack alone, beside problems. */
export async function postPacked(
  { url, recorded }: { readonly url: string; readonly recorded: RecordedResponses },
  path: string,
  body: object | Uint8Array = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<PackedAnswer> {
  const sent = body instanceof Uint8Array ? body : encode(body);
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': TYPE, accept: TYPE, ...headers },
    body: sent as Uint8Array<ArrayBuffer>,
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const { status } = answer;
  recorded.record('POST', path, { status, headers: Object.fromEntries(answer.headers), text, bytes });
  const isPacked = answer.headers.get('content-type')?.startsWith(TYPE) === true;
  return { status, body: (isPacked ? decode(bytes) : JSON.parse(text)) as Record<string, unknown> };
}
