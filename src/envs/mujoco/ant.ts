// Ant-v5: walk towards +x on four legs. Observation, reward, start, end and keyword arguments are those of
// gymnasium/envs/mujoco/ant_v5.py (1.4.0).
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type FreeKwarg, type KwargSchemas, type Kwargs, kwargsSchema, rangeKwarg, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { ANT_BODIES, ANT_MJCF } from './ant-model.ts';
import { flag, frameSkip, resetNoiseScale, UNIFORM_AND_NORMAL_NOISE, weight } from './common-kwargs.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { clamped, concatenate, observationSpace } from './observations.ts';
import { horizontalPlace } from './places.ts';
import { addNormal, addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

/** Read as the body's number. */
function mainBody(body: number, description: string): FreeKwarg<number> {
  const choices = [...ANT_BODIES.keys(), ...ANT_BODIES.filter((name) => name !== undefined)];
  return {
    type: 'free',
    schema: { enum: choices },
    default: body,
    description,
    read(value) {
      const choice = choices.find((choice) => choice === value);
      return typeof choice === 'string' ? ANT_BODIES.indexOf(choice) : choice;
    },
    wanted: `one of ${choices.join(', ')}`,
  };
}

const KWARGS = {
  frame_skip: frameSkip(5, 0.01),
  forward_reward_weight: weight(1, 'Weight of the forward velocity in the reward.'),
  ctrl_cost_weight: weight(0.5, 'Weight of the squared norm of the action, a cost in the reward.'),
  contact_cost_weight: weight(0.0005, 'Weight of the squared norm of the contact forces, a cost in the reward.'),
  healthy_reward: weight(1, 'Reward of each step that ends healthy.'),
  main_body: mainBody(1, 'Number or name of the body whose velocity is rewarded; 1 is the torso.'),
  terminate_when_unhealthy: flag(true, 'End the episode where the ant is not healthy.'),
  healthy_z_range: rangeKwarg([0.2, 1], 'Closed interval in which the height must be, in m.'),
  contact_force_range: rangeKwarg([-1, 1], 'What contact forces are clipped to, in the observation and in their cost.'),
  reset_noise_scale: resetNoiseScale(0.1, UNIFORM_AND_NORMAL_NOISE),
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x and y coordinates out of the observation (105 elements, not 107).',
  ),
  include_cfrc_ext_in_observation: flag(true, 'Observe the contact forces on the 13 bodies: 78 of the elements.'),
} as const satisfies KwargSchemas;

/** 15 positions (x, y, z, quaternion, then hip and ankle of each leg) and 14 velocities. */
const STATE_SIZE = 29;
/** A torque and a force on each body. The world's come first and are not observed. */
const FORCE_SIZE = 6;
const FORCES_SIZE = (ANT_BODIES.length - 1) * FORCE_SIZE;

const ACTION_SPACE = new Box({ low: -1, high: 1, shape: [8], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'Ant-v5',
  summary: 'A four-legged robot walks forward without falling or jumping.',
  observationSpace: observationSpace(STATE_SIZE - 2 + FORCES_SIZE).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: 6000,
  kwargsSchema: kwargsSchema(KWARGS),
};

function antTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const frames = kwargs.frame_skip;
  const noise = kwargs.reset_noise_scale;
  const [minZ, maxZ] = kwargs.healthy_z_range;
  /** Leading positions that are not observed: x and y, or none. */
  const hidden = kwargs.exclude_current_positions_from_observation ? 2 : 0;
  const observesForces = kwargs.include_cfrc_ext_in_observation;
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.ctrl_cost_weight);
  /** x and y of the main body after the last step. */
  const memory = new Float64Array(2);

  const track = (simulation: Simulation) =>
    memory.set(simulation.computed('xpos').subarray(3 * kwargs.main_body, 3 * kwargs.main_body + 2));

  const contactForces = (simulation: Simulation) =>
    clamped(simulation.computed('cfrc_ext'), kwargs.contact_force_range);

  const observe = ({ qpos, qvel }: Simulation, forces: Float64Array) =>
    concatenate(qpos.subarray(hidden), qvel, observesForces ? forces.subarray(FORCE_SIZE) : []);

  const isHealthy = ({ qpos, qvel }: Simulation) => {
    const z = qpos[2] as number;
    return qpos.every(Number.isFinite) && qvel.every(Number.isFinite) && minZ <= z && z <= maxZ;
  };

  return {
    spec: SPEC,
    mjcf: ANT_MJCF,
    observationSpace: observationSpace(STATE_SIZE - hidden + (observesForces ? FORCES_SIZE : 0)),
    actionSpace: ACTION_SPACE,
    memory,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, noise);
      addNormal(qvel, rng, noise);
    },

    begin(simulation) {
      track(simulation);
      return { observation: observe(simulation, contactForces(simulation)), info: horizontalPlace(simulation) };
    },

    // r = w_forward · Δx/Δt + r_healthy · [healthy] − w_ctrl · ‖a‖² − w_contact · ‖f‖², where f are the clipped contact
    // forces and the control cost is a float32.
    step(simulation, action) {
      const [xBefore, yBefore] = memory as unknown as [number, number];
      simulation.step(action, frames);
      simulation.computeExternalForces();
      track(simulation);
      const [xAfter, yAfter] = memory as unknown as [number, number];
      const duration = simulation.timestep * frames;
      const velocity = (xAfter - xBefore) / duration;
      const healthy = isHealthy(simulation);
      const forces = contactForces(simulation);
      const forwardReward = velocity * kwargs.forward_reward_weight;
      const healthyReward = healthy ? kwargs.healthy_reward : 0;
      const controlCost = Math.fround(controlWeight * sumOfSquares(action));
      const contactCost = kwargs.contact_cost_weight * sumOfSquares(forces);
      return {
        observation: observe(simulation, forces),
        reward: forwardReward + healthyReward - (controlCost + contactCost),
        terminated: !healthy && kwargs.terminate_when_unhealthy,
        truncated: false,
        info: {
          ...horizontalPlace(simulation),
          x_velocity: velocity,
          y_velocity: (yAfter - yBefore) / duration,
          reward_forward: forwardReward,
          reward_ctrl: -controlCost,
          reward_contact: -contactCost,
          reward_survive: healthyReward,
        },
      };
    },
  };
}

export const ant: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(antTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
