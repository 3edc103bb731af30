// Gymnasium's `space.seed(seed)` and the `space.sample()`s after it. There every space owns a generator; here a generator
// is a parameter, so what a composite space would own is held by its sampler.
import { Pcg64 } from '../../math/pcg64.ts';
import { Dict } from './dict.ts';
import type { AnySpace, Element } from './space.ts';
import { Tuple } from './tuple.ts';

/** Below it lie the seeds that composite spaces draw for their parts: `np.iinfo(np.int32).max`. */
const SUBSEED_LIMIT = 2 ** 31 - 1;

/** Draws what Gymnasium's `sample()` returns, call after call, once `space` is seeded with `seed`. */
export function seededSampler(space: AnySpace, seed: number): () => Element {
  const rng = Pcg64.fromSeed(seed);
  if (space instanceof Tuple) {
    const parts = space.spaces.map((part) => [part, rng.integers(0, SUBSEED_LIMIT)] as const);
    const samplers = parts.map(([part, subseed]) => seededSampler(part, subseed));
    return () => samplers.map((sample) => sample());
  }
  if (space instanceof Dict) {
    const parts = space.spaces.map(([key, part]) => [key, part, rng.integers(0, SUBSEED_LIMIT)] as const);
    const samplers = parts.map(([key, part, subseed]) => [key, seededSampler(part, subseed)] as const);
    return () => Object.fromEntries(samplers.map(([key, sample]) => [key, sample()]));
  }
  return () => space.sample(rng);
}
