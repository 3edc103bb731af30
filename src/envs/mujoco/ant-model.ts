// The ant as MJCF: a ball on four legs of two joints each. Schulman, Moritz, Levine, Jordan and Abbeel, "High-Dimensional
// Continuous Control Using Generalized Advantage Estimation" (2015), in the dimensions Gymnasium's Ant-v5 has.
import { arena } from './arena.ts';
import { TAN } from './colors.ts';
import { element } from './mjcf.ts';

/** Each leg points into one quadrant. Names are Gymnasium's: `main_body` can ask for these. */
interface Leg {
  readonly name: string;
  readonly number: number;
  readonly x: 1 | -1;
  readonly y: 1 | -1;
}

const LEGS: readonly Leg[] = [
  { name: 'front_left_leg', number: 1, x: 1, y: 1 },
  { name: 'front_right_leg', number: 2, x: -1, y: 1 },
  { name: 'back_leg', number: 3, x: -1, y: -1 },
  { name: 'right_back_leg', number: 4, x: 1, y: -1 },
];

/** The order of the actuators. */
const MOTOR_ORDER = [4, 1, 2, 3];

/** Bodies by their ids. The shanks have no names. */
export const ANT_BODIES = [
  'world',
  'torso',
  ...LEGS.flatMap(({ name, number }) => [name, `aux_${number}`, undefined]),
] as const;

/** m, along each of x and y. */
const UPPER_REACH = 0.2;
const SHANK_REACH = 0.4;

function limb(name: string, { x, y }: Leg, reach: number): string {
  return element('geom', { name, type: 'capsule', fromto: [0, 0, 0, x * reach, y * reach, 0], size: 0.08 });
}

function leg(leg: Leg): string {
  const { name, number, x, y } = leg;
  const reach = [x * UPPER_REACH, y * UPPER_REACH, 0];
  // The ankle's axis lies across the leg, and which sense bends it down depends on the side.
  const bend = x === 1 ? [30, 70] : [-70, -30];
  return element('body', { name }, [
    limb(`aux_${number}`, leg, UPPER_REACH),
    element('body', { name: `aux_${number}`, pos: reach }, [
      element('joint', { name: `hip_${number}`, type: 'hinge', axis: [0, 0, 1], range: [-30, 30] }),
      limb(`leg_${number}`, leg, UPPER_REACH),
      element('body', { pos: reach }, [
        element('joint', { name: `ankle_${number}`, type: 'hinge', axis: [-x * y, 1, 0], range: bend }),
        limb(`ankle_${number}`, leg, SHANK_REACH),
      ]),
    ]),
  ]);
}

export const ANT_MJCF = element('mujoco', { model: 'ant' }, [
  element('compiler', { angle: 'degree', inertiafromgeom: true }),
  arena('256K'),
  element('option', { integrator: 'RK4', timestep: 0.01 }),
  element('default', {}, [
    element('joint', { limited: true, armature: 1, damping: 1 }),
    // Legs collide with the floor and never with each other: contype 1 meets only the floor's conaffinity 1.
    element('geom', { conaffinity: 0, condim: 3, density: 5, friction: [1, 0.5, 0.5], margin: 0.01, rgba: TAN }),
    element('motor', { ctrllimited: true, ctrlrange: [-1, 1], gear: 150 }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'floor', type: 'plane', size: [40, 40, 40], conaffinity: 1 }),
    element('body', { name: 'torso', pos: [0, 0, 0.75] }, [
      element('camera', { name: 'track', mode: 'trackcom', pos: [0, -3, 0.3], xyaxes: [1, 0, 0, 0, 0, 1] }),
      element('joint', { name: 'root', type: 'free', limited: false, armature: 0, damping: 0, margin: 0.01 }),
      element('geom', { name: 'torso', type: 'sphere', size: 0.25 }),
      ...LEGS.map(leg),
    ]),
  ]),
  element(
    'actuator',
    {},
    MOTOR_ORDER.flatMap((number) =>
      ['hip', 'ankle'].map((joint) => element('motor', { name: `${joint}_${number}`, joint: `${joint}_${number}` })),
    ),
  ),
]);
