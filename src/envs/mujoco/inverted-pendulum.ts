// InvertedPendulum-v5: keep a pole upright by moving the cart it stands on. Observation, reward, start, end and keyword
// arguments are those of gymnasium/envs/mujoco/inverted_pendulum_v5.py (1.4.0).
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { frameSkip, resetNoiseScale, UNIFORM_NOISE } from './common-kwargs.ts';
import { INVERTED_PENDULUM_MJCF } from './inverted-pendulum-model.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { concatenate, observationSpace } from './observations.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(2, 0.02),
  reset_noise_scale: resetNoiseScale(0.01, UNIFORM_NOISE),
} as const satisfies KwargSchemas;

/** The cart's place in m, the pole's angle in rad, and their velocities. */
const OBSERVATION_SPACE = observationSpace(4);
const ACTION_SPACE = new Box({ low: -3, high: 3, shape: [1], dtype: 'float32' });

/** rad */
const UPRIGHT = 0.2;

const SPEC: EnvSpec = {
  id: 'InvertedPendulum-v5',
  summary: 'Keep a pole upright by moving the cart it stands on.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 950,
  kwargsSchema: kwargsSchema(KWARGS),
};

function invertedPendulumTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const observe = ({ qpos, qvel }: Simulation) => concatenate(qpos, qvel);

  return {
    spec: SPEC,
    mjcf: INVERTED_PENDULUM_MJCF,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addUniform(qvel, rng, kwargs.reset_noise_scale);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: {} }),

    // r = [|θ| ≤ 0.2]
    step(simulation, action) {
      simulation.step(action, kwargs.frame_skip);
      const observation = observe(simulation);
      const upright = observation.every(Number.isFinite) && Math.abs(observation[1] as number) <= UPRIGHT;
      const reward = upright ? 1 : 0;
      return { observation, reward, terminated: !upright, truncated: false, info: { reward_survive: reward } };
    },
  };
}

export const invertedPendulum: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(invertedPendulumTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
