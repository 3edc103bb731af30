// Every algorithm-shaped program, for the tests of the tracer and for the conformance suite of the engines.
import { ddpg } from './ddpg.ts';
import { ppoCategorical, ppoGaussian } from './ppo.ts';
import type { AlgorithmProgram, Sizes } from './program.ts';
import { sacV1 } from './sac-v1.ts';
import { sql } from './sql.ts';
import { td3Critics, td3Policy } from './td3.ts';

export const PROGRAMS: readonly AlgorithmProgram[] = [
  sacV1,
  td3Critics,
  td3Policy,
  ddpg,
  ppoGaussian,
  ppoCategorical,
  sql,
];

/** Sizes off every vector width. */
export const ODD_SIZES: Sizes = { batch: 9, observation: 5, action: 3, hidden: 33 };
