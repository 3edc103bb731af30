// Tensors on the wire.
import type { JsonTensor } from '../../envs/spaces/space.ts';
import { rowsOf, TensorData } from '../../envs/spaces/tensor-data.ts';
import type { Schema } from '../operation.ts';
import { InvalidRequest } from '../problem.ts';

/**
 * As the contract types it: nested lists, which `TensorData` becomes in JSON; MessagePack writes it as it is.
 * The contract spells ranks out up to four, which is more than any registered space has; the type here is recursive.
 */
export function tensorToWire(tensor: JsonTensor | TensorData): Schema<'Tensor'> {
  return tensor as Schema<'Tensor'>;
}

/** A tensor along its first dimension. */
export function rowsToWire(tensor: TensorData): Schema<'Tensor'>[] {
  return tensor as unknown as Schema<'Tensor'>[];
}

export function numbersToWire(numbers: readonly number[]): Schema<'Vector'> {
  return new TensorData('float64', [numbers.length], Float64Array.from(numbers)) as unknown as Schema<'Vector'>;
}

export function flagsToWire(flags: readonly boolean[]): boolean[] {
  return new TensorData('bool', [flags.length], Uint8Array.from(flags, Number)) as unknown as boolean[];
}

/** The longest list that the contract allows: each row becomes a tensor of its own, and a body may hold a million of one byte. */
const MAX_ROWS = 4096;

/** What a client sent as a list of tensors, or as one tensor with the list along its first dimension. Throws `InvalidRequest`. */
export function listFromWire(list: readonly unknown[]): readonly unknown[] {
  const sent: unknown = list;
  if (!(sent instanceof TensorData)) return list;
  if (sent.shape.length === 0)
    throw new InvalidRequest(
      'A list of tensors was sent as one number; send a tensor whose first dimension is the list.',
    );
  const [rows = 0] = sent.shape;
  if (rows > MAX_ROWS)
    throw new InvalidRequest(`A list of ${rows} tensors was sent; send at most ${MAX_ROWS} at once.`);
  return rowsOf(sent);
}
