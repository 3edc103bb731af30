// MessagePack beside JSON: what a client sends becomes what JSON would have become, but that tensors stay arrays; what is
// answered is what JSON would be, but for tensors, and for numbers that JSON cannot write.
import { Decoder, Encoder } from '@msgpack/msgpack';
import { ARRAY_OF_DTYPE, type Dtype, TensorData } from '../envs/spaces/tensor-data.ts';
import { forbiddenField, MAX_DEPTH, textOf, UnusableBody } from './json.ts';
import { checkStructure } from './msgpack-structure.ts';
import { InvalidRequest, type ProblemPlace } from './problem.ts';

export const MSGPACK = 'application/msgpack';

const PROTOTYPE = '__proto__';

const decoder = new Decoder();
/** Reads what the other refuses for a key `__proto__`, under a harmless name. */
const lenient = new Decoder({
  keyDecoder: {
    canBeCached: (length) => length === PROTOTYPE.length,
    decode: (bytes, start, length) => textOf(Buffer.from(bytes.subarray(start, start + length))).replace(PROTOTYPE, ''),
  },
});
const encoder = new Encoder({ ignoreUndefined: true });

/** Maps that may hold tensors, and so have a schema of their own: bodies that came as MessagePack. */
const packed = new WeakSet<object>();

export function isPacked(body: unknown): boolean {
  return typeof body === 'object' && body !== null && packed.has(body);
}

/** `value` as MessagePack; the bytes belong to the caller. A tensor is `{dtype, shape, data}`. */
export function toMsgpack(value: unknown): Uint8Array {
  return encoder.encode(value);
}

/**
 * As `parseBody` of JSON: nothing is `{}`, and NaN and infinities are the strings that JSON has for them. A field that is
 * `{dtype, shape, data}` becomes a `TensorData` where it stands in the outermost map, or with more `levels` in maps below.
 * Throws `InvalidRequest`.
 */
export function parseMsgpack(bytes: Uint8Array, levels = 1): unknown {
  if (bytes.length === 0) return plain({}, '/body', levels);
  let value: unknown;
  try {
    checkStructure(bytes, MAX_DEPTH);
    value = decoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw new UnusableBody(forbiddenField(PROTOTYPE), lenient.decode(bytes));
    throw new InvalidRequest(`The message ${error.message}; send one MessagePack value of what JSON has and of bins.`);
  }
  try {
    return plain(value, levels === 1 ? '/body' : '', levels);
  } catch (error) {
    throw error instanceof InvalidRequest ? new UnusableBody(error, value) : error;
  }
}

/** `value` as JSON would have it, but for the tensors in as many `levels` of maps. */
function plain(value: unknown, pointer: string, levels: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array)
    throw wrong(pointer, `is ${value.length} bytes, which stand only as "data" of a tensor`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const element: unknown = value[i];
      if (typeof element !== 'number' || !Number.isFinite(element)) value[i] = plain(element, `${pointer}/${i}`, 0);
    }
    return value;
  }
  const map = value as Record<string, unknown>;
  if (levels > 0) packed.add(map);
  for (const name of Object.keys(map)) {
    if (name === 'constructor') throw forbiddenField(name);
    const field = map[name];
    const place = `${pointer}/${name}`;
    map[name] = levels > 0 && isTensorMap(field) ? tensorOf(field, place) : plain(field, place, levels - 1);
  }
  return map;
}

type TensorMap = Readonly<Record<string, unknown>>;

function isTensorMap(value: unknown): value is TensorMap {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value;
}

function tensorOf({ dtype, shape, data: bytes, ...rest }: TensorMap, pointer: string): TensorData {
  if (!(bytes instanceof Uint8Array)) throw wrong(`${pointer}/data`, 'must be bytes (bin): the numbers in C order');
  const [stray] = Object.keys(rest);
  if (stray !== undefined)
    throw wrong(`${pointer}/${stray}`, 'is a field that no tensor has; send dtype, shape and data');
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAY_OF_DTYPE, dtype)) {
    throw wrong(
      `${pointer}/dtype`,
      `is ${JSON.stringify(dtype)}; it must be one of ${Object.keys(ARRAY_OF_DTYPE).join(', ')}`,
    );
  }
  const isShape =
    Array.isArray(shape) &&
    shape.length <= MAX_RANK &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (!isShape) throw wrong(`${pointer}/shape`, `must be a list of at most ${MAX_RANK} lengths`);
  // Lists of nothing take no bytes: a few of these would promise more of them than there is memory.
  if (shape[0] !== 0 && shape.includes(0))
    throw wrong(
      `${pointer}/shape`,
      `is [${shape.join(', ')}]: rows that hold no numbers; only the first length may be 0`,
    );
  const type = ARRAY_OF_DTYPE[dtype as Dtype];
  const wanted = shape.reduce<number>((product, length) => product * length, type.BYTES_PER_ELEMENT);
  if (bytes.length !== wanted) {
    throw wrong(
      `${pointer}/data`,
      `has ${bytes.length} bytes; ${dtype} of shape [${shape.join(', ')}] takes ${wanted}, little-endian`,
    );
  }
  if (dtype === 'bool' && bytes.some((flag) => flag > 1))
    throw wrong(`${pointer}/data`, 'holds a bool that is neither 0 nor 1');
  // A copy of its own: the bytes lie at any offset of the message. Their order is that of every machine that Gymserve runs on.
  return new TensorData(dtype as Dtype, shape, new type(Uint8Array.from(bytes).buffer));
}

const MAX_RANK = 8;

function wrong(pointer: string, problem: string): InvalidRequest {
  const name = pointer.split('/').slice(2).join('.');
  const place: ProblemPlace = { pointer, detail: `${name === '' ? 'The body' : `"${name}"`} ${problem}.` };
  return new InvalidRequest(place.detail, [place]);
}
