// What one environment's file gives the registry.
import type { Env, EnvSpec } from './env.ts';

export interface Registration {
  readonly spec: EnvSpec;
  /** The bare environment, without wrappers. Throws `invalid_kwargs`. Asynchronous since MuJoCo's module loads so. */
  make(kwargs: Readonly<Record<string, unknown>>): Promise<Env>;
}
