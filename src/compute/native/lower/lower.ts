// A graph as one C file and a map of its memory.
import type { Graph } from '../../graph.ts';
import { type Arena, layOut } from './arena.ts';
import { canonical } from './canonical.ts';
import { emit } from './emit.ts';
import { schedule } from './schedule.ts';
import { buildSteps, type Steps } from './steps.ts';
import type { Target } from './tiles.ts';

export interface Lowered {
  /** C that follows the runtime's vector.h, products.h and team.h, and is followed by addon.h. */
  readonly source: string;
  readonly steps: Steps;
  readonly arena: Arena;
}

/** `graph` is optimised already. */
export function lower(graph: Graph, target: Target): Lowered {
  const steps = buildSteps(canonical(graph));
  const plan = schedule(steps);
  const arena = layOut(steps, plan);
  return { source: emit(plan, arena, target), steps, arena };
}
