// The parameters that a policy is sent with, or that it is sent to read.
import { decodeCheckpoint } from '../agent/checkpoint.ts';
import type { Tensors } from '../math/tensor.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { PolicySource } from './protocol.ts';

/** Throws `checkpoint_corrupt` where the file is missing or was changed. */
export async function policyState({ state }: Pick<PolicySource, 'state'>, blobs: Blobs): Promise<Tensors> {
  return 'tensors' in state ? state.tensors : decodeCheckpoint(await blobs.read(state.model)).tensors;
}
