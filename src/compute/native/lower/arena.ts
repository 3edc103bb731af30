// Where each buffer lies in the one block of memory that a program owns. Scratch is reused once nothing reads it any more.

import type { Plan } from './schedule.ts';
import { reads, type Steps, writes } from './steps.ts';
import type { Buffer } from './views.ts';

export interface Arena {
  /** Floats. */
  readonly size: number;
  /** First float. */
  readonly place: (buffer: Buffer) => number;
}

/** A cache line. Buffers begin on one, so that two threads never write to the same line of two buffers. */
const LINE = 16;
/** A vector read at a buffer's end may not leave the arena. */
const MARGIN = 64;

export function layOut(steps: Steps, plan: Plan): Arena {
  const places = new Map<Buffer, number>();
  const aligned = ({ size }: Buffer): number => Math.ceil(size / LINE) * LINE;
  let end = 0;
  const append = (buffer: Buffer): void => {
    places.set(buffer, end);
    end += aligned(buffer);
  };
  for (const map of [steps.inputs, steps.outputs, steps.state]) for (const buffer of map.values()) append(buffer);
  append(steps.flags.buffer);
  for (const buffer of steps.constants.keys()) append(buffer);
  for (const buffer of plan.residents) append(buffer);

  const resolve = (buffer: Buffer): Buffer => {
    const other = plan.aliases.get(buffer);
    return other === undefined ? buffer : resolve(other);
  };
  const first = new Map<Buffer, number>();
  const last = new Map<Buffer, number>();
  for (const [phase, group] of plan.phases.entries()) {
    for (const step of group) {
      for (const view of [...reads(step), ...writes(step)]) {
        const buffer = resolve(view.buffer);
        if (places.has(buffer)) continue;
        if (!first.has(buffer)) first.set(buffer, phase);
        last.set(buffer, phase);
      }
    }
  }
  let holes: { readonly start: number; readonly size: number; readonly from: number }[] = [];
  for (let phase = 0; phase < plan.phases.length; phase += 1) {
    const fresh = [...first].filter(([, at]) => at === phase).map(([buffer]) => buffer);
    for (const buffer of fresh.sort((a, b) => b.size - a.size)) {
      const size = aligned(buffer);
      const fitting = holes.filter((hole) => hole.from <= phase && hole.size >= size && hole.size <= 2 * size);
      const hole = fitting.sort((a, b) => a.size - b.size)[0];
      if (hole === undefined) append(buffer);
      else places.set(buffer, hole.start);
      holes = holes.filter((other) => other !== hole);
      holes.push({
        start: places.get(buffer) as number,
        size: hole?.size ?? size,
        from: (last.get(buffer) as number) + 1,
      });
    }
  }
  const place = (buffer: Buffer): number => {
    const found = places.get(resolve(buffer));
    if (found === undefined) throw new RangeError(`Buffer ${buffer.id} of ${buffer.size} floats has no place.`);
    return found;
  };
  return { size: end + MARGIN, place };
}
