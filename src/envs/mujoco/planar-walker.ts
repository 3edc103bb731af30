// What Hopper-v5 and Walker2d-v5 do alike; what differs is the robot and when it is healthy.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import type { Box } from '../spaces/box.ts';
import type { MujocoTask } from './mujoco-env.ts';
import { clamped, concatenate, observationSpace } from './observations.ts';
import { START_HEIGHT } from './planar-walker-model.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

export interface PlanarWalkerKwargs {
  readonly frame_skip: number;
  readonly forward_reward_weight: number;
  readonly ctrl_cost_weight: number;
  readonly healthy_reward: number;
  readonly terminate_when_unhealthy: boolean;
  readonly reset_noise_scale: number;
  readonly exclude_current_positions_from_observation: boolean;
}

export interface PlanarWalkerParts {
  readonly spec: EnvSpec;
  readonly mjcf: string;
  readonly actionSpace: Box;
  /** nq + nv. */
  readonly stateSize: number;
  readonly kwargs: PlanarWalkerKwargs;
  isHealthy(simulation: Simulation): boolean;
}

/** Velocities are observed clipped to this, in m/s and rad/s. */
const OBSERVED_SPEEDS = [-10, 10] as const;

export function planarWalkerTask({ kwargs, stateSize, isHealthy, ...rest }: PlanarWalkerParts): MujocoTask {
  const frames = kwargs.frame_skip;
  /** Leading positions that are not observed: x, or none. */
  const hidden = kwargs.exclude_current_positions_from_observation ? 1 : 0;
  // numpy multiplies a float32 with a Python number in float32.
  const controlWeight = Math.fround(kwargs.ctrl_cost_weight);

  const observe = ({ qpos, qvel }: Simulation) => concatenate(qpos.subarray(hidden), clamped(qvel, OBSERVED_SPEEDS));

  const places = ({ qpos: [x, z] }: Simulation) => ({
    x_position: x as number,
    z_distance_from_origin: (z as number) - START_HEIGHT,
  });

  return {
    ...rest,
    observationSpace: observationSpace(stateSize - hidden),

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addUniform(qvel, rng, kwargs.reset_noise_scale);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: places(simulation) }),

    // r = w_forward · Δx/Δt + r_healthy · [healthy] − w_ctrl · ‖a‖², the last term in float32.
    step(simulation, action) {
      const before = simulation.qpos[0] as number;
      simulation.step(action, frames);
      const velocity = ((simulation.qpos[0] as number) - before) / (simulation.timestep * frames);
      const healthy = isHealthy(simulation);
      const forwardReward = kwargs.forward_reward_weight * velocity;
      const healthyReward = healthy ? kwargs.healthy_reward : 0;
      const controlCost = Math.fround(controlWeight * sumOfSquares(action));
      return {
        observation: observe(simulation),
        reward: forwardReward + healthyReward - controlCost,
        terminated: !healthy && kwargs.terminate_when_unhealthy,
        truncated: false,
        info: {
          ...places(simulation),
          x_velocity: velocity,
          reward_forward: forwardReward,
          reward_ctrl: -controlCost,
          reward_survive: healthyReward,
        },
      };
    },
  };
}
