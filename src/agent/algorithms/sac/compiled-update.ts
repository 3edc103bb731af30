// The update as a learner calls it: one gradient step a call on arrays of the host, or several on tables that lie on the device.
import type { Program } from '../../../compute/engine.ts';
import type { Graph } from '../../../compute/graph.ts';
import { unroll } from '../../../compute/unroll.ts';
import type { LearnerSetup } from '../../algorithm.ts';
import type { ReplayOptions } from '../../replay/replay-buffer.ts';
import { replayTables } from '../../replay/replay-mirror.ts';
import type { SacConfig } from './config.ts';

export interface CompiledUpdate {
  readonly program: Program;
  /** Of each gradient step of a call, in order: what it takes and what it measured, by the names of `updateProgram`. */
  readonly steps: readonly { readonly inputs: Arrays; readonly outputs: Arrays }[];
  /** Whether transitions come from tables. */
  readonly hasTables: boolean;
  /** What decides the bits of a step beside its numbers. */
  readonly identity: string;
}

type Arrays = Readonly<Record<string, Float32Array>>;

/** Gradient steps of one call: a graph of more takes long to compile, and a call's own cost is small beside them by then. */
const MOST_STEPS = 8;

export async function compileUpdate(
  graph: Graph,
  config: SacConfig,
  replay: ReplayOptions,
  {
    engine,
    threads,
    numEnvs,
    replayPlacement = 'host',
  }: Pick<LearnerSetup, 'engine' | 'threads' | 'numEnvs' | 'replayPlacement'>,
): Promise<CompiledUpdate> {
  if (replayPlacement === 'host') {
    const program = await engine.compile(graph, { threads });
    return { program, steps: [program], hasTables: false, identity: program.identity };
  }
  const prefixes = Array.from({ length: stepsOfCall(config, numEnvs) }, (_, step) => `${step}/`);
  const tables = replayTables(replay, prefixes);
  const program = await engine.compile(unroll(graph, prefixes.length), { threads, tables });
  const steps = prefixes.map((prefix) => ({
    inputs: beginningWith(prefix, program.inputs),
    outputs: beginningWith(prefix, program.outputs),
  }));
  // What else an engine joins into one kernel may depend on how many there are.
  return { program, steps, hasTables: true, identity: `${program.identity} ×${steps.length}` };
}

/** The most, up to `MOST_STEPS`, of which every round of updates is a multiple. */
function stepsOfCall({ trainFrequency, gradientSteps }: SacConfig, numEnvs: number): number {
  // As many as timesteps: those of one step of all environments, or of one round where a step ends in the middle of it.
  const asTimesteps = numEnvs % trainFrequency === 0 ? numEnvs : trainFrequency;
  const round = gradientSteps === -1 ? asTimesteps : gradientSteps;
  let most = 1;
  for (let steps = 2; steps <= MOST_STEPS; steps += 1) if (round % steps === 0) most = steps;
  return most;
}

/** Those of `arrays` whose names begin with `prefix`, without it. */
function beginningWith(prefix: string, arrays: Arrays): Arrays {
  return Object.fromEntries(
    Object.entries(arrays).flatMap(([name, array]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
    ),
  );
}
