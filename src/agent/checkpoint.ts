// What the safetensors files of agents say of themselves. The bytes are those of src/safetensors.ts.
import type { SpaceDocument } from '../envs/spaces/space.ts';
import type { Tensors } from '../math/tensor.ts';
import { decodeSafetensors, encodeSafetensors, type FileDocument } from '../safetensors.ts';
import type { AgentSpaces } from './algorithm.ts';

/** Files of a later format are refused. */
export const FORMAT_VERSION = 2;

/** What a checkpoint says of itself: the JSON document under `gymserve` in the file's `__metadata__`. */
export interface CheckpointDocument extends FileDocument {
  readonly kind: 'model' | 'experience';
  readonly algorithm: string;
  /** Null where the environment is outside of the server. */
  readonly spec_id: string | null;
  readonly env_kwargs: Readonly<Record<string, unknown>>;
  /** Where the environment is outside of the server; else it says them, and they are absent. */
  readonly observation_space?: SpaceDocument;
  readonly action_space?: SpaceDocument;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Environment steps the agent has learnt from. */
  readonly timesteps: number;
  /** Name of the engine that trained it; null before any training. */
  readonly engine: string | null;
  /** What the engine compiled and for what: a run goes on byte for byte only under the same. Null before any training. */
  readonly engine_identity: string | null;
}

/** What a document says of an agent's spaces. */
export function spacesOfDocument(
  specId: string | null,
  { observation, action }: AgentSpaces,
): Pick<CheckpointDocument, 'observation_space' | 'action_space'> {
  return specId === null ? { observation_space: observation, action_space: action } : {};
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
