// Hopper-v5: hop forwards on one leg. Observation, reward, start, end and keyword arguments are those of
// gymnasium/envs/mujoco/hopper_v5.py (1.4.0).
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, rangeKwarg, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_NOISE, weight } from './common-kwargs.ts';
import { HOPPER_MJCF } from './hopper-model.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { observationSpace } from './observations.ts';
import { planarWalkerTask } from './planar-walker.ts';

const KWARGS = {
  frame_skip: frameSkip(4, 0.002),
  forward_reward_weight: weight(1, 'Weight of the forward velocity in the reward.'),
  ctrl_cost_weight: weight(0.001, 'Weight of the squared norm of the action, a cost in the reward.'),
  healthy_reward: weight(1, 'Reward of each step that ends healthy.'),
  terminate_when_unhealthy: flag(true, 'End the episode where the hopper is not healthy.'),
  healthy_state_range: rangeKwarg(
    [-100, 100],
    'Open interval in which all positions but x and z and all velocities must be for the hopper to be healthy.',
  ),
  healthy_z_range: rangeKwarg([0.7, Infinity], 'Open interval in which the height must be, in m.'),
  healthy_angle_range: rangeKwarg([-0.2, 0.2], 'Open interval in which the tilt of the torso must be, in rad.'),
  reset_noise_scale: resetNoiseScale(0.005, UNIFORM_NOISE),
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x coordinate out of the observation (11 elements, not 12).',
  ),
} as const satisfies KwargSchemas;

/** 6 positions (x, z, tilt, thigh, leg, foot) and 6 velocities. */
const STATE_SIZE = 12;

const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [3], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Hopper-v5',
  summary: 'A planar one-legged robot hops forward without falling.',
  observationSpace: observationSpace(STATE_SIZE - 1).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 3800,
  kwargsSchema: kwargsSchema(KWARGS),
};

function hopperTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const [minState, maxState] = kwargs.healthy_state_range;
  const [minZ, maxZ] = kwargs.healthy_z_range;
  const [minAngle, maxAngle] = kwargs.healthy_angle_range;
  const inState = (value: number) => minState < value && value < maxState;
  return planarWalkerTask({
    spec: SPEC,
    mjcf: HOPPER_MJCF,
    actionSpace: ACTION_SPACE,
    stateSize: STATE_SIZE,
    kwargs,
    isHealthy({ qpos, qvel }) {
      const [, z, angle] = qpos as unknown as [number, number, number];
      return (
        minZ < z &&
        z < maxZ &&
        minAngle < angle &&
        angle < maxAngle &&
        qpos.subarray(2).every(inState) &&
        qvel.every(inState)
      );
    },
  });
}

export const hopper: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(hopperTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
