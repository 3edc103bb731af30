// A checkpoint that somebody sent: nothing in it is believed before it was checked, and what is kept is what was checked.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AgentSpaces, Algorithm } from '../agent/algorithm.ts';
import { findAlgorithm } from '../agent/algorithm-registry.ts';
import {
  type CheckpointDocument,
  decodeCheckpoint,
  encodeCheckpoint,
  FORMAT_VERSION,
  spacesOfDocument,
} from '../agent/checkpoint.ts';
import { boxFrom } from '../agent/outside-spaces.ts';
import { findSpec, make, tabularModel } from '../envs/registry.ts';
import { DomainError } from '../errors.ts';
import type { Tensors } from '../math/tensor.ts';
import type { CheckpointIdentity } from '../storage/checkpoints.ts';
import { streamsOf } from '../training/streams.ts';

export interface ImportedCheckpoint {
  readonly identity: CheckpointIdentity;
  readonly timesteps: number;
  readonly file: Uint8Array;
}

/** What a file that names such a thing is refused for: that it is not here is the file's fault. */
const UNKNOWN: ReadonlySet<string> = new Set(['algorithm_not_found', 'env_spec_not_found']);

/** `sha256` in hex is what the file should have; null = whatever it has. Throws `checkpoint_corrupt`, `checkpoint_incompatible`, or what is wrong with the agent that it describes. */
export async function importCheckpoint(file: Uint8Array, sha256: string | null): Promise<ImportedCheckpoint> {
  const digest = createHash('sha256').update(file).digest('hex');
  if (sha256 !== null && sha256 !== digest) {
    throw new DomainError(
      'checkpoint_corrupt',
      `The body has the SHA-256 ${digest}, and its digest header says ${sha256}; it was changed on the way: send it again.`,
    );
  }
  const { document: claimed, tensors } = decodeCheckpoint(file);
  const document = claimed as unknown as Readonly<Record<string, unknown>>;
  if (document['kind'] !== 'model')
    throw incompatible('kind', document['kind'], '"model", the content of a checkpoint');
  const algorithm = known(() => findAlgorithm(textOf(document, 'algorithm')));
  const specId = document['spec_id'] === null ? null : known(() => findSpec(textOf(document, 'spec_id')).id);
  const envKwargs = recordOf(document, 'env_kwargs');
  const given = recordOf(document, 'hyperparameters');
  const resolved = algorithm.resolve(given, specId);
  const hyperparameters = isDeepStrictEqual(resolved, given) ? (given as typeof resolved) : resolved;
  const timesteps = document['timesteps'];
  if (!Number.isSafeInteger(timesteps) || (timesteps as number) < 0)
    throw incompatible('timesteps', timesteps, 'a count from 0');
  const spaces = await spacesOf(algorithm, specId, envKwargs, document);
  assertFits(tensors, algorithm.initialize(hyperparameters, spaces, streamsOf(0).initialization));
  const checked: CheckpointDocument = {
    format_version: FORMAT_VERSION,
    kind: 'model',
    algorithm: algorithm.name,
    spec_id: specId,
    env_kwargs: envKwargs,
    ...spacesOfDocument(specId, spaces),
    hyperparameters,
    timesteps: timesteps as number,
    engine: document['engine'] === null ? null : textOf(document, 'engine'),
    engine_identity: document['engine_identity'] === null ? null : textOf(document, 'engine_identity'),
  };
  return {
    identity: {
      algorithm: algorithm.name,
      specId,
      envKwargs,
      observationSpace: spaces.observation,
      actionSpace: spaces.action,
      hyperparameters,
    },
    timesteps: timesteps as number,
    file: encodeCheckpoint(checked, tensors),
  };
}

function known<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof DomainError) || !UNKNOWN.has(error.code)) throw error;
    throw new DomainError('checkpoint_incompatible', error.message, { cause: error });
  }
}

/** Those of the environment, which the file must not contradict; where that is outside, those of the file. */
async function spacesOf(
  algorithm: Algorithm,
  specId: string | null,
  envKwargs: Readonly<Record<string, unknown>>,
  document: Readonly<Record<string, unknown>>,
): Promise<AgentSpaces> {
  const { observation_space: observation, action_space: action } = document;
  if (specId === null) {
    return algorithm.checkSpaces(boxFrom(observation, 'observation_space'), boxFrom(action, 'action_space'));
  }
  using env = await make(specId, { kwargs: envKwargs });
  const own = { observation: env.observationSpace.toDocument(), action: env.actionSpace.toDocument() };
  const agrees = (claimed: unknown, space: unknown) => claimed === undefined || isDeepStrictEqual(claimed, space);
  if (!agrees(observation, own.observation) || !agrees(action, own.action)) {
    throw new DomainError(
      'checkpoint_incompatible',
      `The file's spaces are not those of ${specId} with its env_kwargs on this server; import it where that environment is the same.`,
    );
  }
  if (algorithm.kind === 'planning') await tabularModel(specId, envKwargs);
  return algorithm.checkSpaces(own.observation, own.action);
}

/** Throws `checkpoint_incompatible` unless `tensors` are those of `wanted`, in name, shape and dtype, and finite. */
function assertFits(tensors: Tensors, wanted: Tensors): void {
  const stray = Object.keys(tensors).find((name) => !Object.hasOwn(wanted, name));
  if (stray !== undefined) throw unfit(`it has a tensor "${stray.slice(0, 60)}", which such an agent does not`);
  for (const [name, { shape, data }] of Object.entries(wanted)) {
    const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (found === undefined) throw unfit(`the tensor "${name}" is missing`);
    if (found.data.constructor !== data.constructor || String(found.shape) !== String(shape)) {
      const kind = (array: object) => array.constructor.name.replace('Array', '').toLowerCase();
      throw unfit(`the tensor "${name}" is ${kind(found.data)} [${found.shape}] instead of ${kind(data)} [${shape}]`);
    }
    if (!allFinite(found.data)) throw unfit(`the tensor "${name}" holds NaN or infinities`);
  }
}

function allFinite(data: ArrayLike<number | bigint>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(Number(data[i]))) return false;
  return true;
}

function textOf(document: Readonly<Record<string, unknown>>, name: string): string {
  const value = document[name];
  if (typeof value === 'string' && value.length <= 1000) return value;
  throw incompatible(name, value, 'a text');
}

function recordOf(document: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = document[name];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw incompatible(name, value, 'an object');
}

function incompatible(name: string, value: unknown, wanted: string): DomainError {
  const shown = (JSON.stringify(value) ?? 'missing').slice(0, 60);
  return new DomainError(
    'checkpoint_incompatible',
    `The file's "${name}" is ${shown} and must be ${wanted}; send a file that GET /v1/checkpoints/{id}/content gave.`,
  );
}

function unfit(what: string): DomainError {
  return new DomainError(
    'checkpoint_incompatible',
    `The file is not of an agent such as it describes: ${what}; send a file that GET /v1/checkpoints/{id}/content gave.`,
  );
}
