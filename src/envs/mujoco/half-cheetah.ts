// HalfCheetah-v5: run to the right. Observation, reward, start and keyword arguments are those of
// gymnasium/envs/mujoco/half_cheetah_v5.py (1.4.0). There is no termination.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_AND_NORMAL_NOISE, weight } from './common-kwargs.ts';
import { HALF_CHEETAH_MJCF } from './half-cheetah-model.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { concatenate, observationSpace } from './observations.ts';
import { addNormal, addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(5, 0.01),
  forward_reward_weight: weight(1, 'Weight of the forward velocity in the reward.'),
  ctrl_cost_weight: weight(0.1, 'Weight of the squared norm of the action, a cost in the reward.'),
  reset_noise_scale: resetNoiseScale(0.1, UNIFORM_AND_NORMAL_NOISE),
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x coordinate out of the observation (17 elements, not 18).',
  ),
} as const satisfies KwargSchemas;

/** 9 positions and 9 velocities. */
const STATE_SIZE = 18;

const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [6], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'HalfCheetah-v5',
  summary: 'A planar two-legged robot runs forward as fast as its six motors allow.',
  observationSpace: observationSpace(STATE_SIZE - 1).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 4800,
  kwargsSchema: kwargsSchema(KWARGS),
};

function halfCheetahTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const frames = kwargs.frame_skip;
  const noise = kwargs.reset_noise_scale;
  /** Leading positions that are not observed: x, or none. */
  const hidden = kwargs.exclude_current_positions_from_observation ? 1 : 0;
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.ctrl_cost_weight);

  const observe = ({ qpos, qvel }: Simulation) => concatenate(qpos.subarray(hidden), qvel);

  return {
    spec: SPEC,
    mjcf: HALF_CHEETAH_MJCF,
    observationSpace: observationSpace(STATE_SIZE - hidden),
    actionSpace: ACTION_SPACE,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, noise);
      addNormal(qvel, rng, noise);
    },

    begin(simulation) {
      return { observation: observe(simulation), info: { x_position: simulation.qpos[0] as number } };
    },

    // r = w_forward · Δx/Δt − w_ctrl · ‖a‖², the cost in float32 as numpy computes it from a float32 action. Controls
    // beyond ±1 are clamped by MuJoCo, but cost what was asked for.
    step(simulation, action) {
      const before = simulation.qpos[0] as number;
      simulation.step(action, frames);
      const after = simulation.qpos[0] as number;
      const velocity = (after - before) / (simulation.timestep * frames);
      const forwardReward = kwargs.forward_reward_weight * velocity;
      const controlCost = Math.fround(controlWeight * sumOfSquares(action));
      return {
        observation: observe(simulation),
        reward: forwardReward - controlCost,
        terminated: false,
        truncated: false,
        info: { x_position: after, x_velocity: velocity, reward_forward: forwardReward, reward_ctrl: -controlCost },
      };
    },
  };
}

export const halfCheetah: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(halfCheetahTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
