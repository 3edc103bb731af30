// Reading and writing tensors: nested lists of numbers, or numbers in one array with a shape. Shared by the spaces; it knows
// shapes, not bounds.
import type { JsonNumber, JsonTensor } from './space.ts';

/** What is wrong with a decoded value, and where: `place` is an index path such as `[2][0]`, empty for the whole. */
export class JsonTensorError extends Error {
  readonly place: string;

  constructor(place: string, problem: string) {
    super(problem);
    this.name = 'JsonTensorError';
    this.place = place;
  }
}

/** What a tensor-data.ts tensor is also once it has crossed threads, where it loses its class. */
interface FlatTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView & ArrayLike<number | bigint>;
}

/** JSON has no such value: only MessagePack and other threads bring one. */
export function isFlat(value: unknown): value is FlatTensor {
  return typeof value === 'object' && value !== null && 'data' in value && ArrayBuffer.isView(value.data);
}

const NON_FINITE: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity };

/** A decoded value as a message shows it: short, and in JSON's words. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (isFlat(value)) return `a tensor of ${value.dtype} with shape [${value.shape.join(', ')}]`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A number as JSON carries it. Throws a `JsonTensorError` for anything that is not a number or "NaN", "Infinity", "-Infinity". */
export function parseNumber(value: unknown, place: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && Object.hasOwn(NON_FINITE, value)) return NON_FINITE[value] as number;
  const kind = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw new JsonTensorError(place, `is ${kind} (${show(value)}), not a number`);
}

/** The elements of a tensor of exactly `shape`, in C order. Nothing is coerced: a string is an error, not a number. */
export function parseNested(value: unknown, shape: readonly number[]): number[] {
  if (isFlat(value)) {
    const fits = value.shape.length === shape.length && shape.every((length, i) => length === value.shape[i]);
    if (!fits) throw new JsonTensorError('', `is ${show(value)}, not with shape [${shape.join(', ')}]`);
    return Array.from<number | bigint, number>(value.data, Number);
  }
  const elements: number[] = [];
  const visit = (part: unknown, depth: number, place: string): void => {
    if (depth === shape.length) {
      elements.push(parseNumber(part, place));
      return;
    }
    const length = shape[depth] as number;
    if (!Array.isArray(part)) throw new JsonTensorError(place, `is ${show(part)}, not a list of ${length}`);
    if (part.length !== length) throw new JsonTensorError(place, `has ${part.length} elements, not ${length}`);
    for (let i = 0; i < length; i++) visit(part[i], depth + 1, `${place}[${i}]`);
  };
  visit(value, 0, '');
  return elements;
}

/** The shape of nested lists, read along their first elements; `parseNested` tells whether the others agree. */
export function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...(value.length === 0 ? [] : shapeOf(value[0]))] : [];
}

/** The index path of the C-order element `index`, such as `[2][0]`. */
export function placeOf(index: number, shape: readonly number[]): string {
  let rest = index;
  let place = '';
  for (const length of shape.toReversed()) {
    place = `[${rest % length}]${place}`;
    rest = Math.floor(rest / length);
  }
  return place;
}

/** A number for JSON: what JSON has no literal for becomes its name. */
export function formatNumber(value: number): JsonNumber {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** C-order elements as nested lists of `shape`. */
export function formatNested(elements: ArrayLike<number>, shape: readonly number[]): JsonTensor {
  let next = 0;
  const build = (depth: number): JsonTensor => {
    if (depth === shape.length) return formatNumber(elements[next++] as number);
    const list: JsonTensor[] = [];
    for (let i = 0; i < (shape[depth] as number); i++) list.push(build(depth + 1));
    return list;
  };
  return build(0);
}
