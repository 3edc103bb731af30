// The algorithms that this build can train, by name.
import { DomainError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import type { Algorithm } from './algorithm.ts';
import { sac } from './algorithms/sac/sac.ts';
import { softPolicyIteration } from './algorithms/soft-policy-iteration/soft-policy-iteration.ts';

const ALGORITHMS: readonly Algorithm[] = [sac, softPolicyIteration];

export const algorithms = (): readonly Algorithm[] => ALGORITHMS;

/** Throws `algorithm_not_found` naming the nearest one. */
export function findAlgorithm(name: string): Algorithm {
  const found = ALGORITHMS.find((algorithm) => algorithm.name === name);
  if (found !== undefined) return found;
  const names = ALGORITHMS.map((algorithm) => algorithm.name);
  throw new DomainError(
    'algorithm_not_found',
    `There is no algorithm "${name.slice(0, 64)}".${didYouMean(name, names)} There are: ${names.join(', ')}.`,
  );
}
