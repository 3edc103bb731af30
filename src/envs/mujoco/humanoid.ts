// Humanoid-v5: walk towards +x without falling. Observation, reward, start, end and keyword arguments are those of
// gymnasium/envs/mujoco/humanoid_v5.py (1.4.0).
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, rangeKwarg, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_NOISE, weight } from './common-kwargs.ts';
import { HUMANOID_MJCF } from './humanoid-model.ts';
import { FULL_OBSERVATION_SPACE, humanoidObservation, OBSERVATION_KWARGS, tendons } from './humanoid-observation.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { clamp } from './observations.ts';
import { horizontalPlace } from './places.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(5, 0.003),
  forward_reward_weight: weight(1.25, "Weight of the centre of mass's forward velocity in the reward."),
  ctrl_cost_weight: weight(0.1, 'Weight of the squared norm of the action, a cost in the reward.'),
  contact_cost_weight: weight(5e-7, 'Weight of the squared norm of the external forces, a cost in the reward.'),
  contact_cost_range: rangeKwarg([-Infinity, 10], 'What the cost of external forces is clipped to.'),
  healthy_reward: weight(5, 'Reward of each step that ends healthy.'),
  terminate_when_unhealthy: flag(true, 'End the episode where the humanoid is not healthy.'),
  healthy_z_range: rangeKwarg([1, 2], 'Open interval in which the height of the torso must be, in m.'),
  reset_noise_scale: resetNoiseScale(0.01, UNIFORM_NOISE),
  ...OBSERVATION_KWARGS,
} as const satisfies KwargSchemas;

const ACTION_SPACE = new Box({ low: -0.4, high: 0.4, shape: [17], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Humanoid-v5',
  summary: 'A humanoid walks forward without falling.',
  observationSpace: FULL_OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: null,
  kwargsSchema: kwargsSchema(KWARGS),
};

/** x and y of the centre of mass, in m. */
function massCenter(simulation: Simulation): [number, number] {
  const centers = simulation.computed('xipos');
  let [mass, x, y] = [0, 0, 0];
  for (const [body, m] of simulation.bodyMass.entries()) {
    mass += m;
    x += m * (centers[3 * body] as number);
    y += m * (centers[3 * body + 1] as number);
  }
  return [x / mass, y / mass];
}

function humanoidTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const frames = kwargs.frame_skip;
  const [minZ, maxZ] = kwargs.healthy_z_range;
  const { space, observe } = humanoidObservation(kwargs);
  /** x and y of the centre of mass after the last step. */
  const memory = new Float64Array(2);

  return {
    spec: SPEC,
    mjcf: HUMANOID_MJCF,
    observationSpace: space,
    actionSpace: ACTION_SPACE,
    memory,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addUniform(qvel, rng, kwargs.reset_noise_scale);
    },

    begin(simulation) {
      memory.set(massCenter(simulation));
      return { observation: observe(simulation), info: { ...horizontalPlace(simulation), ...tendons(simulation) } };
    },

    // r = w_forward · Δx/Δt + r_healthy · [healthy] − w_ctrl · ‖u‖² − clip(w_contact · ‖f‖²). The controls u are the
    // action as MuJoCo holds it, so their cost is a float64 here; f are the external forces.
    step(simulation, action) {
      const [xBefore, yBefore] = memory as unknown as [number, number];
      simulation.step(action, frames);
      simulation.computeExternalForces();
      const [xAfter, yAfter] = massCenter(simulation);
      memory.set([xAfter, yAfter]);
      const duration = simulation.timestep * frames;
      const velocity = (xAfter - xBefore) / duration;
      const z = simulation.qpos[2] as number;
      const healthy = minZ < z && z < maxZ;
      const forwardReward = kwargs.forward_reward_weight * velocity;
      const healthyReward = healthy ? kwargs.healthy_reward : 0;
      const controlCost = kwargs.ctrl_cost_weight * sumOfSquares(simulation.computed('ctrl'));
      const contactCost = clamp(
        kwargs.contact_cost_weight * sumOfSquares(simulation.computed('cfrc_ext')),
        kwargs.contact_cost_range,
      );
      return {
        observation: observe(simulation),
        reward: forwardReward + healthyReward - (controlCost + contactCost),
        terminated: !healthy && kwargs.terminate_when_unhealthy,
        truncated: false,
        info: {
          ...horizontalPlace(simulation),
          ...tendons(simulation),
          x_velocity: velocity,
          y_velocity: (yAfter - yBefore) / duration,
          reward_survive: healthyReward,
          reward_forward: forwardReward,
          reward_ctrl: -controlCost,
          reward_contact: -contactCost,
        },
      };
    },
  };
}

export const humanoid: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(humanoidTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
