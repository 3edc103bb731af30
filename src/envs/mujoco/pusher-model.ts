// An arm of seven joints, a puck on a table and its goal as MJCF, in the dimensions Gymnasium's Pusher-v5 has.
import { arena } from './arena.ts';
import { BLACK, RED, STEEL, TAN, WHITE } from './colors.ts';
import { element } from './mjcf.ts';

type Vector = readonly [number, number, number];

const X: Vector = [1, 0, 0];
const Y: Vector = [0, 1, 0];
const Z: Vector = [0, 0, 1];
const HERE: Vector = [0, 0, 0];

/** A hinge through the link's origin. */
interface Hinge {
  readonly axis: Vector;
  /** rad */
  readonly range: readonly [number, number];
  /** N m s/rad */
  readonly damping: number;
}

interface Link {
  readonly name: string;
  /** In the frame of the link before. */
  readonly pos: Vector;
  readonly hinge?: Hinge;
  readonly geoms: readonly string[];
}

/** Contype and conaffinity of what touches: the table, the hand's fork and the puck. Everything else passes through. */
const SOLID = { contype: 1, conaffinity: 1 };

function capsule(size: number, from: Vector, to: Vector, contact: typeof SOLID | object = {}): string {
  return element('geom', { type: 'capsule', fromto: [...from, ...to], size, ...contact });
}

function sphere(size: number, pos: Vector, rgba = STEEL): string {
  return element('geom', { type: 'sphere', pos, size, rgba });
}

/** From the shoulder to the hand. */
const ARM: readonly Link[] = [
  {
    name: 'shoulder_pan',
    pos: [0, -0.6, 0],
    hinge: { axis: Z, range: [-2.2854, 1.714602], damping: 1 },
    // Eyes with pupils, and the trunk.
    geoms: [
      sphere(0.05, [-0.06, 0.05, 0.2], WHITE),
      sphere(0.05, [0.06, 0.05, 0.2], WHITE),
      sphere(0.03, [-0.06, 0.09, 0.2], BLACK),
      sphere(0.03, [0.06, 0.09, 0.2], BLACK),
      capsule(0.1, [0, 0, -0.4], [0, 0, 0.2]),
    ],
  },
  {
    name: 'shoulder_lift',
    pos: [0.1, 0, 0],
    hinge: { axis: Y, range: [-0.5236, 1.3963], damping: 1 },
    geoms: [capsule(0.1, [0, -0.1, 0], [0, 0.1, 0])],
  },
  {
    name: 'upper_arm_roll',
    pos: HERE,
    hinge: { axis: X, range: [-1.5, 1.7], damping: 0.1 },
    geoms: [capsule(0.02, [-0.1, 0, 0], [0.1, 0, 0])],
  },
  { name: 'upper_arm', pos: HERE, geoms: [capsule(0.06, HERE, [0.4, 0, 0])] },
  {
    name: 'elbow_flex',
    pos: [0.4, 0, 0],
    hinge: { axis: Y, range: [-2.3213, 0], damping: 0.1 },
    geoms: [capsule(0.06, [0, -0.02, 0], [0, 0.02, 0])],
  },
  {
    name: 'forearm_roll',
    pos: HERE,
    hinge: { axis: X, range: [-1.5, 1.5], damping: 0.1 },
    geoms: [capsule(0.02, [-0.1, 0, 0], [0.1, 0, 0])],
  },
  { name: 'forearm', pos: HERE, geoms: [capsule(0.05, HERE, [0.291, 0, 0])] },
  {
    name: 'wrist_flex',
    pos: [0.321, 0, 0],
    hinge: { axis: Y, range: [-1.094, 0], damping: 0.1 },
    geoms: [capsule(0.01, [0, -0.02, 0], [0, 0.02, 0])],
  },
  {
    name: 'wrist_roll',
    pos: HERE,
    hinge: { axis: X, range: [-1.5, 1.5], damping: 0.1 },
    geoms: [
      capsule(0.02, [0, -0.1, 0], [0, 0.1, 0], SOLID),
      capsule(0.02, [0, -0.1, 0], [0.1, -0.1, 0], SOLID),
      capsule(0.02, [0, 0.1, 0], [0.1, 0.1, 0], SOLID),
    ],
  },
  // The fork's two tips; its frame is the wrist's.
  { name: 'fingertips', pos: HERE, geoms: [sphere(0.01, [0.1, -0.1, 0]), sphere(0.01, [0.1, 0.1, 0])] },
];

function chain([link, ...rest]: readonly Link[]): string {
  if (link === undefined) return '';
  const { name, pos, hinge, geoms } = link;
  return element('body', { name, pos }, [
    ...geoms,
    hinge === undefined ? '' : element('joint', { name, type: 'hinge', ...hinge }),
    chain(rest),
  ]);
}

/**
 * A disc that slides over the table, with y its first coordinate and x its second. Its size is radius and half height;
 * a third number, which a cylinder has no use for, is part of the published model.
 */
function disc(name: string, pos: Vector, geom: Parameters<typeof element>[1]): string {
  const slide = (axis: Vector) =>
    element('joint', {
      name: `${name}_${axis === X ? 'x' : 'y'}`,
      type: 'slide',
      axis,
      range: [-10.3213, 10.3],
      damping: 0.5,
    });
  return element('body', { name, pos }, [element('geom', { type: 'cylinder', ...geom }), slide(Y), slide(X)]);
}

export const PUSHER_MJCF = element('mujoco', { model: 'pusher' }, [
  element('compiler', { angle: 'radian', inertiafromgeom: true }),
  arena('256K'),
  // The arm is weightless; the puck stays on the table since it only slides.
  element('option', { timestep: 0.01, gravity: [0, 0, 0], iterations: 20, integrator: 'Euler' }),
  element('default', {}, [
    element('joint', { limited: true, armature: 0.04 }),
    element('geom', {
      contype: 0,
      conaffinity: 0,
      condim: 1,
      friction: [0.8, 0.1, 0.1],
      density: 300,
      margin: 0.002,
      rgba: STEEL,
    }),
    element('motor', { ctrllimited: true, ctrlrange: [-2, 2] }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'table', type: 'plane', pos: [0, 0.5, -0.325], size: [1, 1, 0.1], ...SOLID }),
    chain(ARM),
    disc('puck', [0.45, -0.05, -0.275], {
      size: [0.05, 0.05, 0.05],
      rgba: TAN,
      density: 0.01,
      ...SOLID,
      conaffinity: 0,
    }),
    disc('goal', [0.45, -0.05, -0.323], { size: [0.08, 0.001, 0.1], rgba: RED, density: 0.00001 }),
  ]),
  element(
    'actuator',
    {},
    ARM.filter(({ hinge }) => hinge !== undefined).map(({ name }) => element('motor', { name, joint: name })),
  ),
]);
