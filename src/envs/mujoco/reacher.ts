// Reacher-v5: move a fingertip to a target that is elsewhere in each episode. Observation, reward, start and keyword
// arguments are those of gymnasium/envs/mujoco/reacher_v5.py (1.4.0). There is no termination.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { frameSkip, weight } from './common-kwargs.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { concatenate, observationSpace } from './observations.ts';
import { displacement, norm } from './places.ts';
import { REACHER_MJCF } from './reacher-model.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(2, 0.01),
  reward_dist_weight: weight(1, 'Weight of the distance between fingertip and target, a cost in the reward.'),
  reward_control_weight: weight(1, 'Weight of the squared norm of the action, a cost in the reward.'),
} as const satisfies KwargSchemas;

/** Cosines and sines of both angles, the target's x and y, two angular velocities, x and y from target to fingertip. */
const OBSERVATION_SPACE = observationSpace(10);
const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [2], dtype: 'float32' });

/** Half widths of the uniform start: angles in rad, angular velocities in rad/s. */
const ANGLE_NOISE = 0.1;
const VELOCITY_NOISE = 0.005;
/** Targets lie within this distance of the shoulder, in m. */
const REACH = 0.2;

const SPEC: EnvSpec = {
  id: 'Reacher-v5',
  summary: 'A planar arm of two links moves its fingertip to a random target.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 50,
  rewardThreshold: -3.75,
  kwargsSchema: kwargsSchema(KWARGS),
};

const toFingertip = (simulation: Simulation) => displacement(simulation, 'target', 'fingertip');

function observe(simulation: Simulation): Float64Array {
  const { qpos, qvel } = simulation;
  const angles = qpos.subarray(0, 2);
  return concatenate(
    angles.map(Math.cos),
    angles.map(Math.sin),
    qpos.subarray(2),
    qvel.subarray(0, 2),
    toFingertip(simulation).slice(0, 2),
  );
}

function reacherTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.reward_control_weight);

  return {
    spec: SPEC,
    mjcf: REACHER_MJCF,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,

    // The first two coordinates are the arm's, the others the target's, which rests. Gymnasium draws noise for all four
    // and overwrites the target's.
    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, ANGLE_NOISE);
      let target: number[];
      do target = [rng.uniform(-REACH, REACH), rng.uniform(-REACH, REACH)];
      while (norm(target) >= REACH);
      qpos.set(target, 2);
      addUniform(qvel, rng, VELOCITY_NOISE);
      qvel.fill(0, 2);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: {} }),

    // r = −w_dist · ‖fingertip − target‖ − w_control · ‖a‖², the last term in float32.
    step(simulation, action) {
      simulation.step(action, kwargs.frame_skip);
      const distanceReward = -norm(toFingertip(simulation)) * kwargs.reward_dist_weight;
      const controlReward = Math.fround(-sumOfSquares(action) * controlWeight);
      return {
        observation: observe(simulation),
        reward: distanceReward + controlReward,
        terminated: false,
        truncated: false,
        info: { reward_dist: distanceReward, reward_ctrl: controlReward },
      };
    },
  };
}

export const reacher: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(reacherTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
