// The half-cheetah as MJCF, generated from its published parameters: Wawrzyński, "A Cat-Like Robot Real-Time Learning to
// Run" (2009), in the dimensions Gymnasium's HalfCheetah-v5 has. A test holds the compiled model to Gymnasium's arrays.
import { ROSE, TAN } from './colors.ts';
import { element } from './mjcf.ts';

/** Everything moves in the x–z plane: places are [x, z] in metres, tilts are about the y axis in radians. */
interface Segment {
  /** Name of body, joint, capsule and motor alike. */
  readonly name: string;
  /** The joint's place in the parent's frame. */
  readonly anchor: readonly [number, number];
  /** rad */
  readonly range: readonly [number, number];
  /** N m/rad and N m s/rad */
  readonly stiffness: number;
  readonly damping: number;
  /** N m at full control. */
  readonly gear: number;
  readonly capsule: { readonly center: readonly [number, number]; readonly tilt: number; readonly halfLength: number };
}

/** From the torso outwards: each segment hangs on the one before it. */
const HIND_LEG: readonly Segment[] = [
  {
    name: 'bthigh',
    anchor: [-0.5, 0],
    range: [-0.52, 1.05],
    stiffness: 240,
    damping: 6,
    gear: 120,
    capsule: { center: [0.1, -0.13], tilt: -3.8, halfLength: 0.145 },
  },
  {
    name: 'bshin',
    anchor: [0.16, -0.25],
    range: [-0.785, 0.785],
    stiffness: 180,
    damping: 4.5,
    gear: 90,
    capsule: { center: [-0.14, -0.07], tilt: -2.03, halfLength: 0.15 },
  },
  {
    name: 'bfoot',
    anchor: [-0.28, -0.14],
    range: [-0.4, 0.785],
    stiffness: 120,
    damping: 3,
    gear: 60,
    capsule: { center: [0.03, -0.097], tilt: -0.27, halfLength: 0.094 },
  },
];
const FORE_LEG: readonly Segment[] = [
  {
    name: 'fthigh',
    anchor: [0.5, 0],
    range: [-1, 0.7],
    stiffness: 180,
    damping: 4.5,
    gear: 120,
    capsule: { center: [-0.07, -0.12], tilt: 0.52, halfLength: 0.133 },
  },
  {
    name: 'fshin',
    anchor: [-0.14, -0.24],
    range: [-1.2, 0.87],
    stiffness: 120,
    damping: 3,
    gear: 60,
    capsule: { center: [0.065, -0.09], tilt: -0.6, halfLength: 0.106 },
  },
  {
    name: 'ffoot',
    anchor: [0.13, -0.18],
    range: [-0.5, 0.5],
    stiffness: 60,
    damping: 1.5,
    gear: 30,
    capsule: { center: [0.045, -0.07], tilt: -0.6, halfLength: 0.07 },
  },
];

/** m */
const CAPSULE_RADIUS = 0.046;
const Y_AXIS = [0, 1, 0];

const inPlane = ([x, z]: readonly [number, number]) => [x, 0, z];

function capsule(name: string, { center, tilt, halfLength }: Segment['capsule']): string {
  return element('geom', {
    name,
    type: 'capsule',
    pos: inPlane(center),
    axisangle: [...Y_AXIS, tilt],
    size: [CAPSULE_RADIUS, halfLength],
    ...(/shin|foot/.test(name) && { rgba: ROSE }),
  });
}

function leg([segment, ...rest]: readonly Segment[]): string {
  if (segment === undefined) return '';
  const { name, anchor, range, stiffness, damping } = segment;
  return element('body', { name, pos: inPlane(anchor) }, [
    element('joint', { name, type: 'hinge', axis: Y_AXIS, range, stiffness, damping }),
    capsule(name, segment.capsule),
    leg(rest),
  ]);
}

/** The torso moves freely in the plane: no limit, spring, damper or armature. */
function rootJoint(name: string, type: 'slide' | 'hinge', axis: readonly number[]): string {
  return element('joint', { name, type, axis, limited: false, stiffness: 0, damping: 0, armature: 0 });
}

const defaults = element('default', {}, [
  element('joint', {
    limited: true,
    stiffness: 8,
    damping: 0.01,
    armature: 0.1,
    solreflimit: [0.02, 1],
    solimplimit: [0, 0.8, 0.03],
  }),
  // Capsules collide with the floor and never with each other: contype 1 meets only the floor's conaffinity 1.
  element('geom', {
    contype: 1,
    conaffinity: 0,
    condim: 3,
    friction: [0.4, 0.1, 0.1],
    solref: [0.02, 1],
    solimp: [0, 0.8, 0.01],
    rgba: TAN,
  }),
  element('motor', { ctrllimited: true, ctrlrange: [-1, 1] }),
]);

const torso = element('body', { name: 'torso', pos: [0, 0, 0.7] }, [
  element('camera', { name: 'track', mode: 'trackcom', pos: [0, -3, 0.3], xyaxes: [1, 0, 0, 0, 0, 1] }),
  rootJoint('rootx', 'slide', [1, 0, 0]),
  rootJoint('rootz', 'slide', [0, 0, 1]),
  rootJoint('rooty', 'hinge', Y_AXIS),
  element('geom', { name: 'torso', type: 'capsule', fromto: [-0.5, 0, 0, 0.5, 0, 0], size: CAPSULE_RADIUS }),
  capsule('head', { center: [0.6, 0.1], tilt: 0.87, halfLength: 0.15 }),
  leg(HIND_LEG),
  leg(FORE_LEG),
]);

/** The model. Masses follow from the capsules' volumes, scaled to 14 kg in all. */
export const HALF_CHEETAH_MJCF = element('mujoco', { model: 'half-cheetah' }, [
  element('compiler', { angle: 'radian', inertiafromgeom: true, settotalmass: 14 }),
  // MuJoCo's default arena of 6 MB would fit 300 of these in a module; results are the same with this one.
  element('size', { memory: '256K' }),
  element('option', { timestep: 0.01, gravity: [0, 0, -9.81] }),
  defaults,
  element('worldbody', {}, [
    element('geom', { name: 'floor', type: 'plane', size: [40, 40, 40], conaffinity: 1 }),
    torso,
  ]),
  element(
    'actuator',
    {},
    [...HIND_LEG, ...FORE_LEG].map(({ name, gear }) => element('motor', { name, joint: name, gear })),
  ),
]);
