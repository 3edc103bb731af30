// JSON that can say NaN. JSON.stringify writes null for it, and fast-json-stringify either fails or writes null.
import { TensorData } from '../envs/spaces/tensor-data.ts';

/** `value` as JSON; numbers that JSON cannot write become "NaN", "Infinity" or "-Infinity". */
export function toJson(value: unknown): string {
  // A replacer is called for every element and makes large tensors about ten times slower, so it runs only where it is needed.
  return hasNonFinite(value) ? JSON.stringify(value, nameNonFinite) : JSON.stringify(value);
}

function hasNonFinite(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  // A tensor names its own.
  if (typeof value !== 'object' || value === null || value instanceof TensorData) return false;
  if (Array.isArray(value)) return value.some(hasNonFinite);
  for (const key in value) if (hasNonFinite((value as Record<string, unknown>)[key])) return true;
  return false;
}

function nameNonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
