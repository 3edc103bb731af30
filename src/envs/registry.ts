// The catalogue of environments, and the one way to make one.
import { DomainError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { pendulum } from './classic/pendulum.ts';
import type { Env, EnvSpec } from './env.ts';
import { halfCheetah } from './mujoco/half-cheetah.ts';
import type { Registration } from './registration.ts';
import { OrderEnforcing } from './wrappers/order-enforcing.ts';
import { TimeLimit } from './wrappers/time-limit.ts';

const REGISTRATIONS: readonly Registration[] = [halfCheetah, pendulum];

const byId = new Map(REGISTRATIONS.map((registration) => [registration.spec.id, registration]));

/** Every registered environment, in the order of their ids. */
export function specs(): readonly EnvSpec[] {
  return REGISTRATIONS.map(({ spec }) => spec).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Throws `env_spec_not_found` naming the nearest id. */
export function findSpec(id: string): EnvSpec {
  return find(id).spec;
}

export interface MakeOptions {
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Instead of the spec's; a positive integer. */
  readonly maxEpisodeSteps?: number;
}

/**
 * The environment `id`, as `gymnasium.make` wraps it: a time limit, and an order of calls that is enforced.
 * Throws `env_spec_not_found`, `invalid_kwargs` or `capacity_reached`.
 */
export async function make(id: string, { kwargs = {}, maxEpisodeSteps }: MakeOptions = {}): Promise<Env> {
  const registration = find(id);
  const limit = maxEpisodeSteps ?? registration.spec.maxEpisodeSteps;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 0x7fffffff) {
    throw new DomainError(
      'invalid_kwargs',
      `${id}: the maximum of episode steps is ${limit}; it must be an integer from 1 to 2147483647.`,
    );
  }
  return new OrderEnforcing(new TimeLimit(await registration.make(kwargs), limit));
}

function find(id: string): Registration {
  const registration = byId.get(id);
  if (registration !== undefined) return registration;
  throw new DomainError(
    'env_spec_not_found',
    `There is no environment "${id}". The nearest is "${nearest(id, [...byId.keys()])}"; GET /v1/env-specs lists all of them.`,
  );
}
