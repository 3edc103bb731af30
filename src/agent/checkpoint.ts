// What the safetensors files of agents say of themselves. The bytes are those of src/safetensors.ts.
import type { Tensors } from '../math/tensor.ts';
import { decodeSafetensors, encodeSafetensors, type FileDocument } from '../safetensors.ts';

/** Files of a later format are refused. */
export const FORMAT_VERSION = 2;

/** What a checkpoint says of itself: the JSON document under `gymserve` in the file's `__metadata__`. */
export interface CheckpointDocument extends FileDocument {
  readonly kind: 'model' | 'experience';
  readonly algorithm: string;
  readonly spec_id: string;
  readonly env_kwargs: Readonly<Record<string, unknown>>;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Environment steps the agent has learnt from. */
  readonly timesteps: number;
  /** Name of the engine that trained it; null before any training. */
  readonly engine: string | null;
  /** What the engine compiled and for what: a run goes on byte for byte only under the same. Null before any training. */
  readonly engine_identity: string | null;
}

/** The whole file. */
export function encodeCheckpoint(document: CheckpointDocument, tensors: Tensors): Uint8Array {
  return encodeSafetensors(document, tensors);
}

/** What `encodeCheckpoint` wrote. Throws `checkpoint_corrupt` or, for a format that is not ours, `checkpoint_incompatible`. */
export function decodeCheckpoint(file: Uint8Array): { document: CheckpointDocument; tensors: Tensors } {
  const { document, tensors } = decodeSafetensors(file, { what: 'checkpoint', version: FORMAT_VERSION });
  // Only files that this server wrote come here: they are named by their digest.
  return { document: document as unknown as CheckpointDocument, tensors };
}
