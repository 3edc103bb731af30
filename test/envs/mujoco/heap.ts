// What the tests of MuJoCo's heap share: what fills it, and everything that takes memory from it and gives it back.
import assert from 'node:assert/strict';
import type { Env } from '../../../src/envs/env.ts';
import { type MakeOptions, make, specs } from '../../../src/envs/registry.ts';
import { VectorEnv } from '../../../src/envs/vector/vector-env.ts';
import type { WrapperWish } from '../../../src/envs/wrappers/wrapper-registry.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';

/** All ids of version 5 are MuJoCo's, and none else. */
export const ROBOTS = specs().flatMap(({ id }) => (id.endsWith('-v5') ? [id] : []));

/** Every wrapper that writes into a model, each drawing anew for an episode. */
export const PERTURBED: readonly WrapperWish[] = [
  { name: 'ScaleMass', kwargs: { scale: [0.8, 1.2] } },
  { name: 'ScaleDamping', kwargs: { scale: [0.5, 2] } },
  { name: 'JointFriction', kwargs: { friction: [0, 0.1] } },
  { name: 'ScaleActuators', kwargs: { scale: [0.7, 1] } },
  { name: 'SetGravity', kwargs: { gravity: [9, 10] } },
  { name: 'RandomPushes', kwargs: { probability: 0.5, force: 3 } },
];

export const SMALL_PICTURE = { width: 16, height: 16 };

/** As many as there is room for. What `make` throws after them must be `capacity_reached`. */
export async function fill(id: string): Promise<Env[]> {
  const envs: Env[] = [];
  await assert.rejects(
    async () => {
      for (;;) envs.push(await make(id));
    },
    { code: 'capacity_reached', message: /memory in this worker are full; make fewer environments/ },
  );
  return envs;
}

export function closeAll(envs: Env[]): void {
  for (const env of envs.splice(0)) env.close();
}

/** How many of the smallest fit: what is lost, be it in many small pieces, makes it fewer. */
export async function room(): Promise<number> {
  const envs = await fill('InvertedPendulum-v5');
  const count = envs.length;
  closeAll(envs);
  return count;
}

/** Makes, uses and closes `id` in every way there is, and asks for it in every way that is refused half way. */
export async function cycle(id: string, seed: number): Promise<void> {
  for (const wrappers of [[], PERTURBED]) {
    using env = await make(id, { wrappers });
    env.reset({ seed });
    env.step(env.actionSpace.sample(Pcg64.fromSeed(seed)));
    env.setState(env.getState());
    env.render(SMALL_PICTURE);
    using envs = await VectorEnv.make(id, { numEnvs: 2, wrappers });
    envs.reset({ seed });
  }
  for (const [code, options] of REFUSED) {
    await assert.rejects(make(id, options), { code });
    await assert.rejects(VectorEnv.make(id, { numEnvs: 2, ...options }), { code });
  }
}

const REFUSED: readonly (readonly [code: string, options: MakeOptions])[] = [
  ['invalid_kwargs', { kwargs: { wings: 2 } }],
  ['invalid_kwargs', { maxEpisodeSteps: 0 }],
  ['invalid_wrapper', { wrappers: [{ name: 'ScaleMas' }] }],
  // These are found when the environment stands and its model is its own already.
  ['invalid_kwargs', { wrappers: [...PERTURBED, { name: 'ScaleMass', kwargs: { scale: 1, bodies: ['wing'] } }] }],
  ['invalid_kwargs', { wrappers: [...PERTURBED, { name: 'SetGravity', kwargs: { g: 1 } }] }],
];
