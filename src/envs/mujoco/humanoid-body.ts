// The humanoid as MJCF, in whatever pose it starts: Tassa, Erez and Todorov, "Synthesis and Stabilization of Complex
// Behaviors through Online Trajectory Optimization" (2012), in the dimensions Gymnasium's Humanoid-v5 has.
//
// Joint angles count from the pose in which the model is written down, so standing and lying are two models.
import { arena } from './arena.ts';
import { TAN } from './colors.ts';
import { element } from './mjcf.ts';

type Vector = readonly [number, number, number];

/** Places of parts in their parents' frames, in m. Of paired parts the left one's is given, with y outwards. */
export interface Pose {
  readonly model: string;
  /** The torso's height at the start. */
  readonly height: number;
  /** Relative to the centre of mass. */
  readonly camera: Vector;
  readonly head: Vector;
  /** The middle of the upper waist's capsule, which lies along y. */
  readonly upperWaist: Vector;
  readonly lowerWaist: Vector;
  readonly pelvis: Vector;
  readonly thigh: Vector;
  readonly thighEnd: Vector;
  readonly shin: Vector;
  readonly shinEnd: Vector;
  readonly foot: Vector;
  /** Degrees: how far the left thigh may be raised; the right one's limit is the same in both models. */
  readonly leftHipRaise: number;
}

interface Side {
  readonly name: 'left' | 'right';
  /** The y direction in which the side lies. */
  readonly out: 1 | -1;
}

const LEFT: Side = { name: 'left', out: 1 };
const RIGHT: Side = { name: 'right', out: -1 };

/** N m at full control, in the order of the actuators. Full control is 0.4. */
const GEARS = {
  abdomen_y: 100,
  abdomen_z: 100,
  abdomen_x: 100,
  right_hip_x: 100,
  right_hip_z: 100,
  right_hip_y: 300,
  right_knee: 200,
  left_hip_x: 100,
  left_hip_z: 100,
  left_hip_y: 300,
  left_knee: 200,
  right_shoulder1: 25,
  right_shoulder2: 25,
  right_elbow: 25,
  left_shoulder1: 25,
  left_shoulder2: 25,
  left_elbow: 25,
} as const satisfies Readonly<Record<string, number>>;

/** Each body below the chest is turned by this: a lean of 0.2°. */
const LEAN = [1, 0, -0.002, 0];
const HIP_DAMPING = 5;
const ABDOMEN = { armature: 0.02, damping: 5 };

interface HingeOptions {
  readonly axis: Vector;
  readonly range: readonly [number, number];
  readonly armature: number;
  readonly stiffness?: number;
  readonly damping?: number;
  readonly pos?: Vector;
}

function hinge(name: keyof typeof GEARS, options: HingeOptions): string {
  return element('joint', { name, type: 'hinge', ...options });
}

function capsule(name: string, radius: number, from: Vector, to: Vector): string {
  return element('geom', { name, type: 'capsule', fromto: [...from, ...to], size: radius });
}

/** A capsule along y with its middle in the plane of symmetry. */
function crossCapsule(name: string, radius: number, halfLength: number, [x, , z]: Vector): string {
  return capsule(name, radius, [x, -halfLength, z], [x, halfLength, z]);
}

function sphere(name: string, size: number, pos: Vector): string {
  return element('geom', { name, type: 'sphere', pos, size });
}

const sided = ([x, y, z]: Vector, { out }: Side): Vector => [x, y * out, z];

function leg(side: Side, pose: Pose): string {
  const { name, out } = side;
  const isLeft = side === LEFT;
  return element('body', { name: `${name}_thigh`, pos: sided(pose.thigh, side) }, [
    hinge(`${name}_hip_x`, {
      axis: [-out, 0, 0],
      range: [-25, 5],
      armature: 0.01,
      stiffness: 10,
      damping: HIP_DAMPING,
    }),
    hinge(`${name}_hip_z`, {
      axis: [0, 0, -out],
      range: [-60, 35],
      armature: 0.01,
      stiffness: 10,
      damping: HIP_DAMPING,
    }),
    // The sides are not quite alike: the published hips and knees differ in armature and stiffness.
    hinge(`${name}_hip_y`, {
      axis: [0, 1, 0],
      range: [isLeft ? -pose.leftHipRaise : -110, 20],
      armature: isLeft ? 0.01 : 0.008,
      stiffness: 20,
      damping: HIP_DAMPING,
    }),
    capsule(`${name}_thigh`, 0.06, [0, 0, 0], sided(pose.thighEnd, side)),
    element('body', { name: `${name}_shin`, pos: sided(pose.shin, side) }, [
      hinge(`${name}_knee`, {
        axis: [0, -1, 0],
        pos: [0, 0, 0.02],
        range: [-160, -2],
        armature: 0.006,
        stiffness: isLeft ? 1 : 0,
      }),
      capsule(`${name}_shin`, 0.049, [0, 0, 0], pose.shinEnd),
      element('body', { name: `${name}_foot`, pos: pose.foot }, [sphere(`${name}_foot`, 0.075, [0, 0, 0.1])]),
    ]),
  ]);
}

function arm(side: Side): string {
  const { name, out } = side;
  const range = side === LEFT ? ([-60, 85] as const) : ([-85, 60] as const);
  return element('body', { name: `${name}_upper_arm`, pos: [0, 0.17 * out, 0.06] }, [
    hinge(`${name}_shoulder1`, { axis: [2, -out, 1], range, armature: 0.0068, stiffness: 1 }),
    hinge(`${name}_shoulder2`, { axis: [0, out, 1], range, armature: 0.0051, stiffness: 1 }),
    capsule(`${name}_upper_arm`, 0.04, [0, 0, 0], [0.16, 0.16 * out, -0.16]),
    element('body', { name: `${name}_lower_arm`, pos: [0.18, 0.18 * out, -0.18] }, [
      hinge(`${name}_elbow`, { axis: [0, -1, -out], range: [-90, 50], armature: 0.0028 }),
      capsule(`${name}_lower_arm`, 0.031, [0.01, -0.01 * out, 0.01], [0.17, -0.17 * out, 0.17]),
      sphere(`${name}_hand`, 0.04, [0.18, -0.18 * out, 0.18]),
      // Gymnasium's model has a second camera, which looks along the right arm.
      side === RIGHT ? element('camera', {}) : '',
    ]),
  ]);
}

function belowChest(pose: Pose): string {
  return element('body', { name: 'lower_waist', pos: pose.lowerWaist, quat: LEAN }, [
    crossCapsule('lower_waist', 0.06, 0.06, [0, 0, 0]),
    hinge('abdomen_z', { axis: [0, 0, 1], pos: [0, 0, 0.065], range: [-45, 45], stiffness: 20, ...ABDOMEN }),
    hinge('abdomen_y', { axis: [0, 1, 0], pos: [0, 0, 0.065], range: [-75, 30], stiffness: 10, ...ABDOMEN }),
    element('body', { name: 'pelvis', pos: pose.pelvis, quat: LEAN }, [
      hinge('abdomen_x', { axis: [1, 0, 0], pos: [0, 0, 0.1], range: [-35, 35], stiffness: 10, ...ABDOMEN }),
      crossCapsule('pelvis', 0.09, 0.07, [-0.02, 0, 0]),
      leg(RIGHT, pose),
      leg(LEFT, pose),
    ]),
  ]);
}

/** Nothing pulls at these: they only measure how far a leg is stretched, for the infos. */
function stretch({ name }: Side): string {
  return element('fixed', { name: `${name}_hipknee` }, [
    element('joint', { joint: `${name}_hip_y`, coef: -1 }),
    element('joint', { joint: `${name}_knee`, coef: 1 }),
  ]);
}

export function humanoidMjcf(pose: Pose): string {
  return element('mujoco', { model: pose.model }, [
    element('compiler', { angle: 'degree', inertiafromgeom: true }),
    arena('2M'),
    element('option', { integrator: 'RK4', solver: 'PGS', iterations: 50, timestep: 0.003 }),
    element('default', {}, [
      element('joint', { limited: true, armature: 1, damping: 1 }),
      element('geom', { contype: 1, conaffinity: 1, condim: 1, margin: 0.001, rgba: TAN }),
      element('motor', { ctrllimited: true, ctrlrange: [-0.4, 0.4] }),
    ]),
    element('worldbody', {}, [
      element('geom', { name: 'floor', type: 'plane', size: [20, 20, 0.125], condim: 3, friction: [1, 0.1, 0.1] }),
      element('body', { name: 'torso', pos: [0, 0, pose.height] }, [
        element('camera', { name: 'track', mode: 'trackcom', pos: pose.camera, xyaxes: [1, 0, 0, 0, 0, 1] }),
        element('joint', { name: 'root', type: 'free', limited: false, armature: 0, damping: 0 }),
        crossCapsule('torso', 0.07, 0.07, [0, 0, 0]),
        sphere('head', 0.09, pose.head),
        crossCapsule('upper_waist', 0.06, 0.06, pose.upperWaist),
        belowChest(pose),
        arm(RIGHT),
        arm(LEFT),
      ]),
    ]),
    element('tendon', {}, [stretch(LEFT), stretch(RIGHT)]),
    element(
      'actuator',
      {},
      Object.entries(GEARS).map(([name, gear]) => element('motor', { name, joint: name, gear })),
    ),
  ]);
}
