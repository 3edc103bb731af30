// The catalogue of wrappers, and how a list of them is put around an environment.
import { DomainError } from '../../errors.ts';
import { didYouMean } from '../../nearest.ts';
import type { Env } from '../env.ts';
import { actionDelay } from './action-delay.ts';
import { clipAction } from './clip-action.ts';
import { frameStackObservation } from './frame-stack-observation.ts';
import { jointFriction } from './joint-friction.ts';
import { normalizeObservation } from './normalize-observation.ts';
import { normalizeReward } from './normalize-reward.ts';
import { observationNoise } from './observation-noise.ts';
import { passiveEnvChecker } from './passive-env-checker.ts';
import { randomPushes } from './random-pushes.ts';
import { recordEpisodeStatistics } from './record-episode-statistics.ts';
import { rescaleAction } from './rescale-action.ts';
import { scaleActuators } from './scale-actuators.ts';
import { scaleDamping } from './scale-damping.ts';
import { scaleMass } from './scale-mass.ts';
import { setGravity } from './set-gravity.ts';
import { timeAwareObservation } from './time-aware-observation.ts';
import { transformReward } from './transform-reward.ts';
import type { WrapperRegistration } from './wrapper.ts';

/** One wrapper as it is asked for. */
export interface WrapperWish {
  readonly name: string;
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

const REGISTRATIONS: readonly WrapperRegistration[] = [
  actionDelay,
  clipAction,
  frameStackObservation,
  jointFriction,
  normalizeObservation,
  normalizeReward,
  observationNoise,
  passiveEnvChecker,
  randomPushes,
  recordEpisodeStatistics,
  rescaleAction,
  scaleActuators,
  scaleDamping,
  scaleMass,
  setGravity,
  timeAwareObservation,
  transformReward,
];

const byName = new Map(REGISTRATIONS.map((registration) => [registration.name, registration]));

/** Every wrapper, in the order of their names. */
export function wrappers(): readonly WrapperRegistration[] {
  return REGISTRATIONS;
}

/**
 * `env` inside of `wishes`, the first of them innermost; `bare` is what it is without any wrapper.
 * Throws `invalid_wrapper` or `invalid_kwargs`, and leaves closing `env` to the caller.
 */
export function wrapAll(env: Env, bare: Env, wishes: readonly WrapperWish[]): Env {
  return wishes.reduce((inner, { name, kwargs = {} }, place) => {
    return findWrapper(name).wrap(inner, kwargs, { bare, place });
  }, env);
}

/** Throws `invalid_wrapper` naming the nearest. */
export function findWrapper(name: string): WrapperRegistration {
  const registration = byName.get(name);
  if (registration !== undefined) return registration;
  const names = [...byName.keys()];
  throw new DomainError(
    'invalid_wrapper',
    `There is no wrapper "${name.slice(0, 64)}".${didYouMean(name, names)} Wrappers: ${names.join(', ')}.`,
  );
}
