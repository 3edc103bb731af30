// The random streams of an agent, split from its seed: no consumer shares one, and none depends on how much another draws.
import { Pcg64 } from '../math/pcg64.ts';

export interface Streams {
  /** Draws the first parameters. */
  readonly initialization: Pcg64;
  /** Exploration, noise and replay while it learns; the learner splits it further. */
  readonly learning: Pcg64;
  /** Actions of a policy that is not deterministic, beside training. */
  readonly acting: Pcg64;
}

/** The environment's own generator comes from the seed itself, as Gymnasium's does; these are its children. */
export function streamsOf(seed: number): Streams {
  const root = Pcg64.fromSeed(seed);
  return { initialization: root.split(), learning: root.split(), acting: root.split() };
}
