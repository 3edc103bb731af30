// InvertedDoublePendulum-v5: keep a pole on a pole upright by moving the cart they stand on. Observation, reward, start,
// end and keyword arguments are those of gymnasium/envs/mujoco/inverted_double_pendulum_v5.py (1.4.0).
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { frameSkip, resetNoiseScale, UNIFORM_AND_NORMAL_NOISE, weight } from './common-kwargs.ts';
import { INVERTED_DOUBLE_PENDULUM_MJCF } from './inverted-double-pendulum-model.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { clamped, concatenate, observationSpace } from './observations.ts';
import { addNormal, addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(5, 0.01),
  healthy_reward: weight(10, 'Reward of each step that does not end the episode.'),
  reset_noise_scale: resetNoiseScale(0.1, UNIFORM_AND_NORMAL_NOISE),
} as const satisfies KwargSchemas;

/** The cart's place; sines and cosines of both angles; three velocities; the constraint force on the cart. */
const OBSERVATION_SPACE = observationSpace(9);
const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [1], dtype: 'float32' });

/** Velocities and the force are observed clipped to this. */
const OBSERVED = [-10, 10] as const;
/** m: at this height of the tip or below it the episode ends. */
const FALLEN = 1;

const SPEC: EnvSpec = {
  id: 'InvertedDoublePendulum-v5',
  summary: 'Keep a pole on a pole upright by moving the cart they stand on.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 9100,
  kwargsSchema: kwargsSchema(KWARGS),
};

function observe(simulation: Simulation): Float64Array {
  const { qpos, qvel } = simulation;
  const angles = qpos.subarray(1);
  return concatenate(
    qpos.subarray(0, 1),
    angles.map(Math.sin),
    angles.map(Math.cos),
    clamped(qvel, OBSERVED),
    clamped(simulation.computed('qfrc_constraint').subarray(0, 1), OBSERVED),
  );
}

function invertedDoublePendulumTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  return {
    spec: SPEC,
    mjcf: INVERTED_DOUBLE_PENDULUM_MJCF,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addNormal(qvel, rng, kwargs.reset_noise_scale);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: {} }),

    // r = r_healthy · [z > 1] − (0.01 x² + (z − 2)²) − (10⁻³ ω₁² + 5·10⁻³ ω₂²), with the tip at x and z.
    step(simulation, action) {
      simulation.step(action, kwargs.frame_skip);
      const [x, , z] = simulation.computed('site_xpos') as unknown as [number, number, number];
      const [, lower, upper] = simulation.qvel as unknown as [number, number, number];
      const terminated = z <= FALLEN;
      const aliveBonus = terminated ? 0 : kwargs.healthy_reward;
      const distancePenalty = 0.01 * x ** 2 + (z - 2) ** 2;
      const velocityPenalty = 1e-3 * lower ** 2 + 5e-3 * upper ** 2;
      return {
        observation: observe(simulation),
        reward: aliveBonus - distancePenalty - velocityPenalty,
        terminated,
        truncated: false,
        info: {
          reward_survive: aliveBonus,
          distance_penalty: -distancePenalty,
          velocity_penalty: -velocityPenalty,
        },
      };
    },
  };
}

export const invertedDoublePendulum: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(invertedDoublePendulumTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
