// What can be created: environments and algorithms.

import type { Algorithm } from '../agent/algorithm.ts';
import { algorithms, findAlgorithm } from '../agent/algorithm-registry.ts';
import { type EnvSpec, type RenderMode, renderModesOf } from '../envs/env.ts';
import { aliasesOf, findSpec, specs } from '../envs/registry.ts';
import type { WrapperRegistration } from '../envs/wrappers/wrapper.ts';
import { wrappers } from '../envs/wrappers/wrapper-registry.ts';

export type AlgorithmInfo = Pick<Algorithm, 'name' | 'summary' | 'hyperparameters'>;

export interface EnvSpecInfo extends EnvSpec {
  readonly renderModes: readonly RenderMode[];
  /** Other ids that stand for it. */
  readonly aliases: readonly string[];
}

export type WrapperInfo = Pick<WrapperRegistration, 'name' | 'summary' | 'kwargsSchema'>;

export class Catalogue {
  envSpecs(): readonly EnvSpecInfo[] {
    return specs().map(infoOf);
  }

  /** Throws `env_spec_not_found`. */
  envSpec(id: string): EnvSpecInfo {
    return infoOf(findSpec(id));
  }

  /** By name. */
  wrappers(): readonly WrapperInfo[] {
    return wrappers();
  }

  algorithms(): readonly AlgorithmInfo[] {
    return algorithms();
  }

  /** Throws `algorithm_not_found`. */
  algorithm(name: string): AlgorithmInfo {
    return findAlgorithm(name);
  }
}

function infoOf(spec: EnvSpec): EnvSpecInfo {
  return { ...spec, renderModes: renderModesOf(spec), aliases: aliasesOf(spec.id) };
}
