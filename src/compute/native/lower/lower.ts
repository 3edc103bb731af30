// A graph as one C file and a map of its memory.
import type { Graph } from '../../graph.ts';
import { type Arena, layOut } from './arena.ts';
import { buildSteps } from './build-steps.ts';
import { canonical } from './canonical.ts';
import { emit } from './emit.ts';
import { schedule } from './schedule.ts';
import type { Steps } from './steps.ts';
import type { Target } from './tiles.ts';
import type { Buffer } from './views.ts';

export interface Lowered {
  /** C that follows the runtime's vector.h, products.h and team.h, and is followed by addon.h. */
  readonly source: string;
  readonly steps: Steps;
  readonly arena: Arena;
}

/** The arrays of a program in its memory, `arena`; the constants are written there. */
export function arraysIn(arena: Float32Array, { steps, arena: layout }: Pick<Lowered, 'steps' | 'arena'>) {
  const floats = (buffer: Buffer): Float32Array => {
    const start = layout.place(buffer);
    return arena.subarray(start, start + buffer.size);
  };
  for (const [buffer, values] of steps.constants) floats(buffer).set(values);
  const named = (buffers: ReadonlyMap<string, Buffer>): Readonly<Record<string, Float32Array>> =>
    Object.fromEntries([...buffers].map(([name, buffer]) => [name, floats(buffer)]));
  return {
    inputs: named(steps.inputs),
    outputs: named(steps.outputs),
    state: named(steps.state),
    flags: floats(steps.flags.buffer),
  };
}

/** `graph` is optimised already. */
export function lower(graph: Graph, target: Target): Lowered {
  const steps = buildSteps(canonical(graph));
  const plan = schedule(steps);
  const arena = layOut(steps, plan);
  return { source: emit(plan, arena, target), steps, arena };
}
