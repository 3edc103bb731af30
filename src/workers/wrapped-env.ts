// An agent's environment inside of wrappers: for training under perturbations, and for evaluating what they cost.
import { isDeepStrictEqual } from 'node:util';
import type { AgentSpaces } from '../agent/algorithm.ts';
import type { Env } from '../envs/env.ts';
import { make } from '../envs/registry.ts';
import type { SpaceDocument } from '../envs/spaces/space.ts';
import type { WrapperWish } from '../envs/wrappers/wrapper-registry.ts';
import { DomainError } from '../errors.ts';
import type { EnvironmentIdentity } from './protocol.ts';

/** Throws what making it throws, and `invalid_wrapper` where the agent could not act in it. */
export async function makeWrapped(
  { specId, envKwargs }: EnvironmentIdentity,
  spaces: AgentSpaces,
  wrappers: readonly WrapperWish[],
): Promise<Env> {
  const env = await make(specId, { kwargs: envKwargs, wrappers });
  const isKept =
    isDeepStrictEqual(sizeOnly(env.observationSpace.toDocument()), sizeOnly(spaces.observation)) &&
    isDeepStrictEqual(env.actionSpace.toDocument(), spaces.action);
  if (isKept) return env;
  env.close();
  const names = wrappers.map(({ name }) => name).join(', ');
  throw new DomainError(
    'invalid_wrapper',
    `${names} changes the spaces of ${specId}, so the agent cannot act in it; choose wrappers that keep them.`,
  );
}

/** Without bounds: noise goes beyond them, and what networks see has none. */
function sizeOnly(space: SpaceDocument): object {
  return space.type === 'Box' ? { type: space.type, shape: space.shape } : space;
}
