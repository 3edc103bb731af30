// Swimmer-v5: swim towards +x. Observation, reward, start and keyword arguments are those of
// gymnasium/envs/mujoco/swimmer_v5.py (1.4.0). There is no termination.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_NOISE, weight } from './common-kwargs.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { concatenate, observationSpace } from './observations.ts';
import { horizontalPlace } from './places.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';
import { SWIMMER_MJCF } from './swimmer-model.ts';

const KWARGS = {
  frame_skip: frameSkip(4, 0.01),
  forward_reward_weight: weight(1, 'Weight of the forward velocity in the reward.'),
  ctrl_cost_weight: weight(0.0001, 'Weight of the squared norm of the action, a cost in the reward.'),
  reset_noise_scale: resetNoiseScale(0.1, UNIFORM_NOISE),
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x and y coordinates out of the observation (8 elements, not 10).',
  ),
} as const satisfies KwargSchemas;

/** 5 positions (x, y, heading and two joints) and 5 velocities. */
const STATE_SIZE = 10;

const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [2], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Swimmer-v5',
  summary: 'Three rods joined in a row swim forward through a viscous fluid.',
  observationSpace: observationSpace(STATE_SIZE - 2).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 360,
  kwargsSchema: kwargsSchema(KWARGS),
};

function swimmerTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const frames = kwargs.frame_skip;
  /** Leading positions that are not observed: x and y, or none. */
  const hidden = kwargs.exclude_current_positions_from_observation ? 2 : 0;
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.ctrl_cost_weight);

  const observe = ({ qpos, qvel }: Simulation) => concatenate(qpos.subarray(hidden), qvel);

  return {
    spec: SPEC,
    mjcf: SWIMMER_MJCF,
    observationSpace: observationSpace(STATE_SIZE - hidden),
    actionSpace: ACTION_SPACE,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addUniform(qvel, rng, kwargs.reset_noise_scale);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: horizontalPlace(simulation) }),

    // r = w_forward · Δx/Δt − w_ctrl · ‖a‖², the cost in float32.
    step(simulation, action) {
      const before = horizontalPlace(simulation);
      simulation.step(action, frames);
      const after = horizontalPlace(simulation);
      const duration = simulation.timestep * frames;
      const velocity = (after.x_position - before.x_position) / duration;
      const forwardReward = kwargs.forward_reward_weight * velocity;
      const controlCost = Math.fround(controlWeight * sumOfSquares(action));
      return {
        observation: observe(simulation),
        reward: forwardReward - controlCost,
        terminated: false,
        truncated: false,
        info: {
          ...after,
          x_velocity: velocity,
          y_velocity: (after.y_position - before.y_position) / duration,
          reward_forward: forwardReward,
          reward_ctrl: -controlCost,
        },
      };
    },
  };
}

export const swimmer: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(swimmerTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
