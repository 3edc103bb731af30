// Pusher-v5: push a puck to its goal. Observation, reward, start and keyword arguments are those of
// gymnasium/envs/mujoco/pusher_v5.py (1.4.0). There is no termination.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { frameSkip, weight } from './common-kwargs.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { concatenate, observationSpace } from './observations.ts';
import { displacement, norm, placeOf } from './places.ts';
import { PUSHER_MJCF } from './pusher-model.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(5, 0.01),
  reward_near_weight: weight(0.5, 'Weight of the distance between fingertips and puck, a cost in the reward.'),
  reward_dist_weight: weight(1, 'Weight of the distance between puck and goal, a cost in the reward.'),
  reward_control_weight: weight(0.1, 'Weight of the squared norm of the action, a cost in the reward.'),
} as const satisfies KwargSchemas;

/** The arm's joints come first among the coordinates, then the puck's two and the goal's two. */
const ARM_SIZE = 7;
/** Angles and velocities of the arm; places of fingertips, puck and goal. */
const OBSERVATION_SPACE = observationSpace(2 * ARM_SIZE + 9);
const ACTION_SPACE = new Box({ low: -2, high: 2, shape: [ARM_SIZE], dtype: 'float32' });

/** m: the puck starts farther from the goal than this. */
const NEAREST_START = 0.17;
/** Half width of the arm's uniform start velocities, in rad/s. */
const VELOCITY_NOISE = 0.005;

const SPEC: EnvSpec = {
  id: 'Pusher-v5',
  summary: 'An arm of seven joints pushes a puck over a table to its goal.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 100,
  rewardThreshold: 0,
  kwargsSchema: kwargsSchema(KWARGS),
};

function observe(simulation: Simulation): Float64Array {
  return concatenate(
    simulation.qpos.subarray(0, ARM_SIZE),
    simulation.qvel.subarray(0, ARM_SIZE),
    ...['fingertips', 'puck', 'goal'].map((body) => placeOf(simulation, body)),
  );
}

function pusherTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.reward_control_weight);

  return {
    spec: SPEC,
    mjcf: PUSHER_MJCF,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,

    // The goal stands at the origin of its coordinates; the arm starts unbent. Gymnasium draws velocities for puck and
    // goal too, and overwrites them.
    start({ qpos, qvel }, rng) {
      let puck: number[];
      do puck = [rng.uniform(-0.3, 0), rng.uniform(-0.2, 0.2)];
      while (norm(puck) <= NEAREST_START);
      qpos.set(puck, ARM_SIZE);
      addUniform(qvel, rng, VELOCITY_NOISE);
      qvel.fill(0, ARM_SIZE);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: {} }),

    // r = −w_dist · ‖puck − goal‖ − w_control · ‖a‖² − w_near · ‖puck − fingertips‖, the second term in float32.
    step(simulation, action) {
      simulation.step(action, kwargs.frame_skip);
      const nearReward = -norm(displacement(simulation, 'fingertips', 'puck')) * kwargs.reward_near_weight;
      const distanceReward = -norm(displacement(simulation, 'goal', 'puck')) * kwargs.reward_dist_weight;
      const controlReward = Math.fround(-sumOfSquares(action) * controlWeight);
      return {
        observation: observe(simulation),
        reward: distanceReward + controlReward + nearReward,
        terminated: false,
        truncated: false,
        info: { reward_dist: distanceReward, reward_ctrl: controlReward, reward_near: nearReward },
      };
    },
  };
}

export const pusher: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(pusherTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
