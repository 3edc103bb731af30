// HumanoidStandup-v5: stand up from lying on the back. Observation, reward, start and keyword arguments are those of
// gymnasium/envs/mujoco/humanoidstandup_v5.py (1.4.0). There is no termination.
import { sumOfSquares } from '../../math/sum-of-squares.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, rangeKwarg, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Box } from '../spaces/box.ts';
import { frameSkip, resetNoiseScale, UNIFORM_NOISE, weight } from './common-kwargs.ts';
import { FULL_OBSERVATION_SPACE, humanoidObservation, OBSERVATION_KWARGS, tendons } from './humanoid-observation.ts';
import { HUMANOID_STANDUP_MJCF, LYING_HEIGHT } from './humanoid-standup-model.ts';
import { MujocoEnv, type MujocoTask } from './mujoco-env.ts';
import { clamp } from './observations.ts';
import { addUniform } from './reset-noise.ts';
import type { Simulation } from './simulation.ts';

const KWARGS = {
  frame_skip: frameSkip(5, 0.003),
  uph_cost_weight: weight(1, 'Without effect: Gymnasium 1.4.0 has this weight of the height and does not use it.'),
  ctrl_cost_weight: weight(0.1, 'Weight of the squared norm of the action, a cost in the reward.'),
  impact_cost_weight: weight(5e-7, 'Weight of the squared norm of the external forces, a cost in the reward.'),
  impact_cost_range: rangeKwarg([-Infinity, 10], 'What the cost of external forces is clipped to.'),
  reset_noise_scale: resetNoiseScale(0.01, UNIFORM_NOISE),
  ...OBSERVATION_KWARGS,
} as const satisfies KwargSchemas;

const ACTION_SPACE = new Box({ low: -0.4, high: 0.4, shape: [17], dtype: 'float32' });

const SPEC: EnvSpec = {
  id: 'HumanoidStandup-v5',
  summary: 'A humanoid that lies on its back stands up.',
  observationSpace: FULL_OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 1000,
  rewardThreshold: null,
  kwargsSchema: kwargsSchema(KWARGS),
};

function places(simulation: Simulation) {
  const [x, y, z] = simulation.qpos as unknown as [number, number, number];
  return { x_position: x, y_position: y, z_distance_from_origin: z - LYING_HEIGHT, ...tendons(simulation) };
}

function humanoidStandupTask(kwargs: Kwargs<typeof KWARGS>): MujocoTask {
  const { space, observe } = humanoidObservation(kwargs);

  return {
    spec: SPEC,
    mjcf: HUMANOID_STANDUP_MJCF,
    observationSpace: space,
    actionSpace: ACTION_SPACE,

    start({ qpos, qvel }, rng) {
      addUniform(qpos, rng, kwargs.reset_noise_scale);
      addUniform(qvel, rng, kwargs.reset_noise_scale);
    },

    begin: (simulation) => ({ observation: observe(simulation), info: places(simulation) }),

    // r = z/δ − w_ctrl · ‖u‖² − clip(w_impact · ‖f‖²) + 1, with δ the duration of one physics step, whatever the frame
    // skip. The controls u are the action as MuJoCo holds it, so their cost is a float64 here; f are the external forces.
    step(simulation, action) {
      simulation.step(action, kwargs.frame_skip);
      simulation.computeExternalForces();
      const heightReward = (simulation.qpos[2] as number) / simulation.timestep;
      const controlCost = kwargs.ctrl_cost_weight * sumOfSquares(simulation.computed('ctrl'));
      const impactCost = clamp(
        kwargs.impact_cost_weight * sumOfSquares(simulation.computed('cfrc_ext')),
        kwargs.impact_cost_range,
      );
      return {
        observation: observe(simulation),
        reward: heightReward - controlCost - impactCost + 1,
        terminated: false,
        truncated: false,
        info: {
          ...places(simulation),
          reward_linup: heightReward,
          reward_quadctrl: -controlCost,
          reward_impact: -impactCost,
        },
      };
    },
  };
}

export const humanoidStandup: Registration = {
  spec: SPEC,
  make: async (kwargs) => MujocoEnv.create(humanoidStandupTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
