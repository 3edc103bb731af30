// What Humanoid-v5 and HumanoidStandup-v5 observe, and the keyword arguments that choose it.
import type { KwargSchemas, Kwargs } from '../kwargs.ts';
import { flag } from './common-kwargs.ts';
import { concatenate, observationSpace } from './observations.ts';
import type { Simulation } from './simulation.ts';

export const OBSERVATION_KWARGS = {
  exclude_current_positions_from_observation: flag(
    true,
    'Leave the x and y coordinates out of the observation (348 elements, not 350).',
  ),
  include_cinert_in_observation: flag(true, 'Observe mass and inertia of the 13 bodies: 130 of the elements.'),
  include_cvel_in_observation: flag(true, 'Observe the velocities of the 13 bodies: 78 of the elements.'),
  include_qfrc_actuator_in_observation: flag(true, "Observe the joints' actuator forces: 17 of the elements."),
  include_cfrc_ext_in_observation: flag(true, 'Observe the external forces on the 13 bodies: 78 of the elements.'),
} as const satisfies KwargSchemas;

/** 24 positions (x, y, z, quaternion and 17 joints) and 23 velocities. */
const STATE_SIZE = 47;
const BODIES = 13;
/** Numbers per body. The world's come first and are not observed. */
const INERTIA_SIZE = 10;
const VELOCITY_SIZE = 6;
const FORCE_SIZE = 6;
/** No actuator acts on the root, whose forces come first. */
const ROOT_FREEDOM = 6;
const ACTUATORS = 17;

/** The observation's space, and how it is made: fresh at each call. */
export function humanoidObservation(kwargs: Kwargs<typeof OBSERVATION_KWARGS>) {
  /** Leading positions that are not observed: x and y, or none. */
  const hidden = kwargs.exclude_current_positions_from_observation ? 2 : 0;
  const { include_cinert_in_observation: inertias, include_cvel_in_observation: velocities } = kwargs;
  const { include_qfrc_actuator_in_observation: actuators, include_cfrc_ext_in_observation: forces } = kwargs;
  const size =
    STATE_SIZE -
    hidden +
    (inertias ? BODIES * INERTIA_SIZE : 0) +
    (velocities ? BODIES * VELOCITY_SIZE : 0) +
    (actuators ? ACTUATORS : 0) +
    (forces ? BODIES * FORCE_SIZE : 0);
  return {
    space: observationSpace(size),
    observe: (simulation: Simulation): Float64Array =>
      concatenate(
        simulation.qpos.subarray(hidden),
        simulation.qvel,
        inertias ? simulation.computed('cinert').subarray(INERTIA_SIZE) : [],
        velocities ? simulation.computed('cvel').subarray(VELOCITY_SIZE) : [],
        actuators ? simulation.computed('qfrc_actuator').subarray(ROOT_FREEDOM) : [],
        forces ? simulation.computed('cfrc_ext').subarray(FORCE_SIZE) : [],
      ),
  };
}

/** The space where every keyword argument has its default. */
export const FULL_OBSERVATION_SPACE = observationSpace(
  STATE_SIZE - 2 + BODIES * (INERTIA_SIZE + VELOCITY_SIZE + FORCE_SIZE) + ACTUATORS,
);

/** How far the legs are stretched, in rad, and how fast: left, then right. */
export function tendons(simulation: Simulation) {
  return {
    tendon_length: Array.from(simulation.computed('ten_length')),
    tendon_velocity: Array.from(simulation.computed('ten_velocity')),
  };
}
