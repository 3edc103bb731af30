// Every MuJoCo model, under the name of its fixtures.
import { ANT_MJCF } from '../../../src/envs/mujoco/ant-model.ts';
import { HALF_CHEETAH_MJCF } from '../../../src/envs/mujoco/half-cheetah-model.ts';
import { HOPPER_MJCF } from '../../../src/envs/mujoco/hopper-model.ts';
import { HUMANOID_MJCF } from '../../../src/envs/mujoco/humanoid-model.ts';
import { HUMANOID_STANDUP_MJCF } from '../../../src/envs/mujoco/humanoid-standup-model.ts';
import { INVERTED_DOUBLE_PENDULUM_MJCF } from '../../../src/envs/mujoco/inverted-double-pendulum-model.ts';
import { INVERTED_PENDULUM_MJCF } from '../../../src/envs/mujoco/inverted-pendulum-model.ts';
import { PUSHER_MJCF } from '../../../src/envs/mujoco/pusher-model.ts';
import { REACHER_MJCF } from '../../../src/envs/mujoco/reacher-model.ts';
import { SWIMMER_MJCF } from '../../../src/envs/mujoco/swimmer-model.ts';
import { WALKER2D_MJCF } from '../../../src/envs/mujoco/walker2d-model.ts';

export const MJCF_MODELS: readonly (readonly [name: string, mjcf: string])[] = [
  ['ant-v5', ANT_MJCF],
  ['half-cheetah-v5', HALF_CHEETAH_MJCF],
  ['hopper-v5', HOPPER_MJCF],
  ['humanoid-standup-v5', HUMANOID_STANDUP_MJCF],
  ['humanoid-v5', HUMANOID_MJCF],
  ['inverted-double-pendulum-v5', INVERTED_DOUBLE_PENDULUM_MJCF],
  ['inverted-pendulum-v5', INVERTED_PENDULUM_MJCF],
  ['pusher-v5', PUSHER_MJCF],
  ['reacher-v5', REACHER_MJCF],
  ['swimmer-v5', SWIMMER_MJCF],
  ['walker2d-v5', WALKER2D_MJCF],
];
