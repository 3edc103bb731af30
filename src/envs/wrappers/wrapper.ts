// What one wrapper's file gives the registry of wrappers: its name, its keyword arguments, and how it is put around an environment.
import { DomainError } from '../../errors.ts';
import type { Env } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import { Box } from '../spaces/box.ts';

/** What a wrapper may want to know beside the environment that it is put around. */
export interface WrapperContext {
  /** The environment inside of all wrappers. */
  readonly bare: Env;
  /** How many of the wanted wrappers are inside of this one: so that each has random numbers of its own. */
  readonly place: number;
}

export interface WrapperRegistration {
  /** Gymnasium's name of it, where Gymnasium has it. */
  readonly name: string;
  readonly summary: string;
  /** JSON Schema of the keyword arguments, each with its default. */
  readonly kwargsSchema: Readonly<Record<string, unknown>>;
  /** Whether it keeps statistics that outlive resets, seeded ones too, as Gymnasium's does. */
  readonly outlivesResets: boolean;
  /** Throws `invalid_kwargs`, and `invalid_wrapper` where it does not fit `env`. */
  wrap(env: Env, kwargs: Readonly<Record<string, unknown>>, context: WrapperContext): Env;
}

export function wrapper<S extends KwargSchemas>(declared: {
  readonly name: string;
  readonly summary: string;
  readonly kwargs: S;
  readonly outlivesResets?: boolean;
  readonly wrap: (env: Env, kwargs: Kwargs<S>, context: WrapperContext) => Env;
}): WrapperRegistration {
  const { name, summary, kwargs: schemas } = declared;
  return {
    name,
    summary,
    kwargsSchema: kwargsSchema(schemas),
    outlivesResets: declared.outlivesResets ?? false,
    wrap: (env, kwargs, context) => declared.wrap(env, resolveKwargs(name, schemas, kwargs), context),
  };
}

/** The action or observation space of `env` as a Box. Throws `invalid_wrapper` where it is of another kind. */
export function boxOf(name: string, env: Env, what: 'action' | 'observation'): Box {
  const space = what === 'action' ? env.actionSpace : env.observationSpace;
  if (space instanceof Box) return space;
  throw new DomainError(
    'invalid_wrapper',
    `${name} needs a Box ${what} space, and that of ${env.spec.id} is ${space.toDocument().type} here. Leave the wrapper out, or choose an environment with a Box.`,
  );
}
