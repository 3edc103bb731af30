// JSON that can say NaN. JSON.stringify writes null for it, and fast-json-stringify either fails or writes null.
import { setImmediate as turn } from 'node:timers/promises';
import { rowsOf, TensorData } from '../envs/spaces/tensor-data.ts';

/** Numbers that are written in one go, about a millisecond of work. */
const SLICE_NUMBERS = 4096;
/** So much text of small pieces takes as long. */
const SLICE_CHARACTERS = 1 << 16;

/** `value` as JSON; numbers that JSON cannot write become "NaN", "Infinity" or "-Infinity". */
export function toJson(value: unknown): string {
  return write(value, survey(value));
}

/**
 * As `toJson`, but what is large is written slice by slice, as UTF-8, and between two of them others have their turn:
 * a thousand steps of a humanoid are a tenth of a second of digits.
 */
export async function toJsonInSlices(value: unknown): Promise<string | Uint8Array> {
  const surveyed = survey(value);
  if (surveyed.numbers <= SLICE_NUMBERS) return write(value, surveyed);
  const slices: Buffer[] = [];
  let text = '';
  for (const piece of piecesOf(value)) {
    text += piece;
    if (text.length < SLICE_CHARACTERS) continue;
    slices.push(Buffer.from(text));
    text = '';
    await turn();
  }
  return Buffer.concat([...slices, Buffer.from(text)]);
}

interface Survey {
  /** Of tensors, and outside of them. */
  numbers: number;
  /** Of those outside of tensors; a tensor names its own. */
  allFinite: boolean;
}

function survey(value: unknown): Survey {
  const found = { numbers: 0, allFinite: true };
  look(value, found);
  return found;
}

function look(value: unknown, found: Survey): void {
  if (typeof value === 'number') {
    found.numbers++;
    if (!Number.isFinite(value)) found.allFinite = false;
  } else if (typeof value !== 'object' || value === null) return;
  else if (value instanceof TensorData) found.numbers += value.data.length;
  else if (Array.isArray(value)) for (let i = 0; i < value.length; i++) look(value[i], found);
  else for (const key in value) look((value as Record<string, unknown>)[key], found);
}

function write(value: unknown, { allFinite }: Survey): string {
  // A replacer is called for every element and makes large tensors about ten times slower, so it runs only where it is needed.
  return allFinite ? JSON.stringify(value) : JSON.stringify(value, nameNonFinite);
}

function nameNonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** The text of `value`, whose parts are small. */
function* piecesOf(value: unknown): Generator<string> {
  const surveyed = survey(value);
  if (surveyed.numbers <= SLICE_NUMBERS) yield write(value, surveyed) ?? 'null';
  else if (value instanceof TensorData) yield* listOf(rowsOf(value));
  else if (Array.isArray(value)) yield* listOf(value);
  else yield* objectOf(value as object);
}

function* listOf(elements: readonly unknown[]): Generator<string> {
  let before = '[';
  for (const element of elements) {
    yield before;
    yield* piecesOf(element);
    before = ',';
  }
  yield ']';
}

function* objectOf(value: object): Generator<string> {
  let before = '{';
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    yield* piecesOf(field);
    before = ',';
  }
  yield '}';
}
