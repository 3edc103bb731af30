// What Hopper and Walker2d have in common as MJCF: a torso that moves in the x–z plane, and legs of thigh, shin and foot.
// Dimensions are those of Gymnasium's models: Erez, Tassa and Todorov, "Infinite Horizon Model Predictive Control for
// Nonlinear Periodic Tasks" (2011).
import { arena } from './arena.ts';
import { PLUM, TAN } from './colors.ts';
import { element } from './mjcf.ts';

export interface PlanarWalker {
  readonly model: string;
  /** One name ending per leg; legs are alike and stand in one place. */
  readonly legs: readonly string[];
  /** kg m² and N m s/rad of each leg joint. */
  readonly armature: number;
  readonly damping: number;
  /** Contact parameters of every geom, the floor too. */
  readonly contact: Readonly<Record<string, number | readonly number[]>>;
  readonly floorSize: readonly number[];
  readonly foot: {
    /** How far the body's frame stands before the ankle, in m. */
    readonly reach: number;
    readonly halfLength: number;
    readonly friction: number;
  };
  /** N m at full control. */
  readonly gear: number;
}

/** Height of the torso's centre at the start, in m; the root's z coordinate has the same number there. */
export const START_HEIGHT = 1.25;
const TORSO_HALF_LENGTH = 0.2;
const THIGH_LENGTH = 0.45;
const SHIN_LENGTH = 0.5;
/** How far the foot's frame lies below the ankle; its capsule lies at the ankle's height. */
const FOOT_LIFT = 0.1;
const LIMB_FRICTION = 0.9;
/** Towards −y: positive angles bend a leg backwards. */
const JOINT_AXIS = [0, -1, 0];
/** Turns a capsule from z to x. */
const LYING = [Math.SQRT1_2, 0, -Math.SQRT1_2, 0];

/** The root moves freely in the plane: no limit, damper or armature. Its slides count from the floor. */
function rootJoint(name: string, type: 'slide' | 'hinge', attributes: Readonly<Record<string, number | number[]>>) {
  return element('joint', { name, type, limited: false, damping: 0, armature: 0, stiffness: 0, ...attributes });
}

function limb(name: string, radius: number, halfLength: number, z: number, rgba = TAN): string {
  return element('geom', {
    name,
    type: 'capsule',
    pos: [0, 0, z],
    size: [radius, halfLength],
    friction: LIMB_FRICTION,
    rgba,
  });
}

function hinge(name: string, pos: readonly number[], range: readonly [number, number]): string {
  return element('joint', { name, type: 'hinge', axis: JOINT_AXIS, pos, range });
}

function leg(ending: string, { reach, halfLength, friction }: PlanarWalker['foot']): string {
  const [thigh, shin, foot] = [`thigh${ending}`, `leg${ending}`, `foot${ending}`] as const;
  const rgba = ending === '' ? TAN : PLUM;
  return element('body', { name: thigh, pos: [0, 0, -TORSO_HALF_LENGTH] }, [
    hinge(thigh, [0, 0, 0], [-150, 0]),
    limb(thigh, 0.05, THIGH_LENGTH / 2, -THIGH_LENGTH / 2, rgba),
    // The shin's frame is its middle, and its joint the knee.
    element('body', { name: shin, pos: [0, 0, -THIGH_LENGTH - SHIN_LENGTH / 2] }, [
      hinge(shin, [0, 0, SHIN_LENGTH / 2], [-150, 0]),
      limb(shin, 0.04, SHIN_LENGTH / 2, 0, rgba),
      element('body', { name: foot, pos: [reach, 0, -SHIN_LENGTH / 2 - FOOT_LIFT] }, [
        hinge(foot, [-reach, 0, FOOT_LIFT], [-45, 45]),
        element('geom', {
          name: foot,
          type: 'capsule',
          pos: [-reach / 2, 0, FOOT_LIFT],
          quat: LYING,
          size: [0.06, halfLength],
          friction,
          rgba,
        }),
      ]),
    ]),
  ]);
}

export function planarWalkerMjcf({ model, legs, armature, damping, contact, floorSize, foot, gear }: PlanarWalker) {
  const joints = legs.flatMap((ending) => [`thigh${ending}`, `leg${ending}`, `foot${ending}`]);
  return element('mujoco', { model }, [
    element('compiler', { angle: 'degree', inertiafromgeom: true }),
    arena('256K'),
    element('option', { integrator: 'RK4', timestep: 0.002 }),
    element('default', {}, [
      element('joint', { limited: true, armature, damping }),
      element('geom', { ...contact, rgba: TAN }),
      element('motor', { ctrllimited: true, ctrlrange: [-1, 1], gear }),
    ]),
    element('worldbody', {}, [
      element('geom', { name: 'floor', type: 'plane', size: floorSize, conaffinity: 1, condim: 3 }),
      element('body', { name: 'torso', pos: [0, 0, START_HEIGHT] }, [
        element('camera', { name: 'track', mode: 'trackcom', pos: [0, -3, -0.25], xyaxes: [1, 0, 0, 0, 0, 1] }),
        rootJoint('rootx', 'slide', { axis: [1, 0, 0], pos: [0, 0, -START_HEIGHT] }),
        rootJoint('rootz', 'slide', { axis: [0, 0, 1], pos: [0, 0, -START_HEIGHT], ref: START_HEIGHT }),
        rootJoint('rooty', 'hinge', { axis: [0, 1, 0] }),
        limb('torso', 0.05, TORSO_HALF_LENGTH, 0),
        ...legs.map((ending) => leg(ending, foot)),
      ]),
    ]),
    element(
      'actuator',
      {},
      joints.map((name) => element('motor', { name, joint: name })),
    ),
  ]);
}
