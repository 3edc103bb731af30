// Walker2d-v5: walk forwards on two legs. Observation, reward, start, end and keyword arguments are those of
// gymnasium/envs/mujoco/walker2d_v5.py (1.4.0).
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, rangeKwarg, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_NOISE, weight } from './common-kwargs.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { observationSpace } from './observations.ts';
import { planarWalkerTask } from './planar-walker.ts';
import { WALKER2D_MJCF } from './walker2d-model.ts';

const KWARGS = {
  frame_skip: frameSkip(4, 0.002),
  forward_reward_weight: weight(1, 'Weight of the forward velocity in the reward.'),
  ctrl_cost_weight: weight(0.001, 'Weight of the squared norm of the action, a cost in the reward.'),
  healthy_reward: weight(1, 'Reward of each step that ends healthy.'),
  terminate_when_unhealthy: flag(true, 'End the episode where the walker is not healthy.'),
  healthy_z_range: rangeKwarg([0.8, 2], 'Open interval in which the height must be, in m.'),
  healthy_angle_range: rangeKwarg([-1, 1], 'Open interval in which the tilt of the torso must be, in rad.'),
  reset_noise_scale: resetNoiseScale(0.005, UNIFORM_NOISE),
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x coordinate out of the observation (17 elements, not 18).',
  ),
} as const satisfies KwargSchemas;

/** 9 positions (x, z, tilt, then thigh, leg and foot of the right and of the left leg) and 9 velocities. */
const STATE_SIZE = 18;

const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [6], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Walker2d-v5',
  summary: 'A planar two-legged robot walks forward without falling.',
  observationSpace: observationSpace(STATE_SIZE - 1).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: null,
  kwargsSchema: kwargsSchema(KWARGS),
};

function walker2dTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const [minZ, maxZ] = kwargs.healthy_z_range;
  const [minAngle, maxAngle] = kwargs.healthy_angle_range;
  return planarWalkerTask({
    spec: SPEC,
    mjcf: WALKER2D_MJCF,
    actionSpace: ACTION_SPACE,
    stateSize: STATE_SIZE,
    kwargs,
    isHealthy({ qpos }) {
      const [, z, angle] = qpos as unknown as [number, number, number];
      return minZ < z && z < maxZ && minAngle < angle && angle < maxAngle;
    },
  });
}

export const walker2d: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(walker2dTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
