// What can be created: environments and algorithms.

import type { Algorithm } from '../agent/algorithm.ts';
import { algorithms, findAlgorithm } from '../agent/algorithm-registry.ts';
import type { EnvSpec } from '../envs/env.ts';
import { findSpec, specs } from '../envs/registry.ts';

export type AlgorithmInfo = Pick<Algorithm, 'name' | 'summary' | 'hyperparameters'>;

export class Catalogue {
  envSpecs(): readonly EnvSpec[] {
    return specs();
  }

  /** Throws `env_spec_not_found`. */
  envSpec(id: string): EnvSpec {
    return findSpec(id);
  }

  algorithms(): readonly AlgorithmInfo[] {
    return algorithms();
  }

  /** Throws `algorithm_not_found`. */
  algorithm(name: string): AlgorithmInfo {
    return findAlgorithm(name);
  }
}
