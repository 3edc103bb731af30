// The catalogue of environments, and the one way to make one.
import { DomainError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import { acrobot } from './classic/acrobot.ts';
import { cartPole } from './classic/cart-pole.ts';
import { mountainCar } from './classic/mountain-car.ts';
import { mountainCarContinuous } from './classic/mountain-car-continuous.ts';
import { pendulum } from './classic/pendulum.ts';
import type { Env, EnvSpec } from './env.ts';
import { ant } from './mujoco/ant.ts';
import { halfCheetah } from './mujoco/half-cheetah.ts';
import { hopper } from './mujoco/hopper.ts';
import { humanoid } from './mujoco/humanoid.ts';
import { humanoidStandup } from './mujoco/humanoid-standup.ts';
import { invertedDoublePendulum } from './mujoco/inverted-double-pendulum.ts';
import { invertedPendulum } from './mujoco/inverted-pendulum.ts';
import { pusher } from './mujoco/pusher.ts';
import { reacher } from './mujoco/reacher.ts';
import { swimmer } from './mujoco/swimmer.ts';
import { walker2d } from './mujoco/walker2d.ts';
import type { Registration } from './registration.ts';
import type { ModelledEnv, TabularModel } from './tabular-model.ts';
import { cliffWalking, cliffWalkingSlippery } from './toy-text/cliff-walking.ts';
import { frozenLake } from './toy-text/frozen-lake.ts';
import { taxi } from './toy-text/taxi.ts';
import { OrderEnforcing } from './wrappers/order-enforcing.ts';
import { TimeLimit } from './wrappers/time-limit.ts';
import { findWrapper, type WrapperWish, wrapAll } from './wrappers/wrapper-registry.ts';

const REGISTRATIONS: readonly Registration[] = [
  acrobot,
  cartPole,
  mountainCar,
  mountainCarContinuous,
  pendulum,
  ant,
  halfCheetah,
  hopper,
  humanoid,
  humanoidStandup,
  invertedDoublePendulum,
  invertedPendulum,
  pusher,
  reacher,
  swimmer,
  walker2d,
  cliffWalking,
  cliffWalkingSlippery,
  frozenLake,
  taxi,
];

const byId = new Map(REGISTRATIONS.map((registration) => [registration.spec.id, registration]));

/** Ids that Gymnasium no longer registers, and what stands for them. */
const ALIASES: ReadonlyMap<string, string> = new Map([['Taxi-v3', 'Taxi-v4']]);

/** Every registered environment, in the order of their ids. */
export function specs(): readonly EnvSpec[] {
  return REGISTRATIONS.map(({ spec }) => spec).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Throws `env_spec_not_found` naming the nearest id. */
export function findSpec(id: string): EnvSpec {
  return find(id).spec;
}

/** Other ids that stand for the environment `id`. */
export function aliasesOf(id: string): readonly string[] {
  return [...ALIASES].flatMap(([alias, target]) => (target === id ? [alias] : []));
}

export interface MakeOptions {
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Instead of the spec's; a positive integer. */
  readonly maxEpisodeSteps?: number;
  /** Around the environment and its time limit, the first innermost. */
  readonly wrappers?: readonly WrapperWish[];
}

/**
 * The environment `id`, as `gymnasium.make` wraps it: a time limit, and an order of calls that is enforced. Outside of
 * them stand the wrappers asked for, as `additional_wrappers` of a spec do.
 * Throws `env_spec_not_found`, `invalid_kwargs`, `invalid_wrapper` or `capacity_reached`.
 */
export async function make(
  id: string,
  { kwargs = {}, maxEpisodeSteps, wrappers = [] }: MakeOptions = {},
): Promise<Env> {
  const registration = find(id);
  // Before anything is made.
  for (const { name } of wrappers) findWrapper(name);
  const limit = limitOf(registration, maxEpisodeSteps);
  const bare = await registration.make(kwargs);
  try {
    return wrapAll(new OrderEnforcing(limit === null ? bare : new TimeLimit(bare, limit)), bare, wrappers);
  } catch (error) {
    bare.close();
    throw error;
  }
}

/**
 * The table of the environment `id`. Throws `env_spec_not_found`, `invalid_kwargs`, and `unsupported_space` where its
 * transitions are no table.
 */
export async function tabularModel(id: string, kwargs: Readonly<Record<string, unknown>> = {}): Promise<TabularModel> {
  using bare: Env & Partial<ModelledEnv> = await find(id).make(kwargs);
  const { model } = bare;
  if (model !== undefined) return model;
  throw new DomainError(
    'unsupported_space',
    `The transitions of ${id} are no table that could be planned on; those of FrozenLake-v1, CliffWalking-v1 and Taxi-v4 are.`,
  );
}

function limitOf({ spec }: Registration, maxEpisodeSteps: number | undefined): number | null {
  const limit = maxEpisodeSteps ?? spec.maxEpisodeSteps;
  if (limit === null) return null;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 0x7fffffff) {
    throw new DomainError(
      'invalid_kwargs',
      `${spec.id}: the maximum of episode steps is ${limit}; it must be an integer from 1 to 2147483647.`,
    );
  }
  return limit;
}

function find(id: string): Registration {
  const registration = byId.get(ALIASES.get(id) ?? id);
  if (registration !== undefined) return registration;
  throw new DomainError(
    'env_spec_not_found',
    `There is no environment "${id}".${didYouMean(id, [...byId.keys()])} GET /v1/env-specs lists all of them.`,
  );
}
