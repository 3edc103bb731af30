// Which jobs can have their replay where the engine computes.
import type { Algorithm } from '../agent/algorithm.ts';
import { type EngineName, KEEPS_TABLES } from '../compute/engine.ts';
import { DomainError } from '../errors.ts';

/**
 * Throws `invalid_request` where there is no replay to place, and `engine_not_available` where the engine cannot keep one: what the
 * client named is another word than `engine`, or null, where the server chose that one.
 */
export function assertReplayOnDevice({ name, kind }: Algorithm, engine: EngineName, named: string | null): void {
  if (kind === 'planning')
    throw new DomainError(
      'invalid_request',
      `replay_placement is "device", but ${name} plans and has no replay; leave replay_placement out.`,
    );
  if (KEEPS_TABLES.has(engine)) return;
  const asked = named === null ? 'engine was not given' : `engine is "${named}"`;
  const which =
    named === engine
      ? `which the engine "${engine}" does not do`
      : `but ${asked}, and the server's choice, "${engine}", does not do that`;
  throw new DomainError(
    'engine_not_available',
    `replay_placement is "device", ${which}; name one that does as engine (${[...KEEPS_TABLES].join(', ')}; GET /v1/server says which work here), or leave replay_placement out.`,
  );
}
