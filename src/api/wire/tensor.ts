// Tensors on the wire.
import type { JsonTensor } from '../../envs/spaces/space.ts';
import type { Schema } from '../operation.ts';

/** The contract spells ranks out up to four, which is more than any registered space has; the type here is recursive. */
export function tensorToWire(tensor: JsonTensor): Schema<'Tensor'> {
  return tensor as Schema<'Tensor'>;
}
