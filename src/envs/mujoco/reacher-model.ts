// A planar arm of two links and its target as MJCF, in the dimensions Gymnasium's Reacher-v5 has.
import { arena } from './arena.ts';
import { GREEN, PLUM, RED, STEEL, TEAL } from './colors.ts';
import { element } from './mjcf.ts';

const Z_AXIS = [0, 0, 1];
/** m */
const LINK_LENGTH = 0.1;
/** Where the target stands in the model; its coordinates count from the origin nevertheless. */
const TARGET = [0.1, -0.1] as const;
/** Half the arena's side, and its height above the floor. */
const SIDE = 0.3;
const HEIGHT = 0.01;

const GHOST = { contype: 0, conaffinity: 0 };

function wall(from: readonly [number, number], to: readonly [number, number]): string {
  return element('geom', {
    type: 'capsule',
    fromto: [...from, HEIGHT, ...to, HEIGHT],
    size: 0.02,
    conaffinity: 0,
    rgba: STEEL,
  });
}

function link(name: string): string {
  return element('geom', { name, type: 'capsule', fromto: [0, 0, 0, LINK_LENGTH, 0, 0], size: 0.01, rgba: TEAL });
}

function targetSlide(name: string, axis: readonly number[], ref: number): string {
  const range = [-0.27, 0.27];
  return element('joint', { name, type: 'slide', axis, range, ref, limited: true, armature: 0, damping: 0 });
}

export const REACHER_MJCF = element('mujoco', { model: 'reacher' }, [
  element('compiler', { angle: 'radian', inertiafromgeom: true }),
  arena('256K'),
  element('option', { integrator: 'RK4', timestep: 0.01, gravity: [0, 0, -9.81] }),
  element('default', {}, [
    element('joint', { limited: true, armature: 1, damping: 1 }),
    // Nothing collides: no contype is anything.
    element('geom', { contype: 0, friction: [1, 0.1, 0.1] }),
    element('motor', { ctrllimited: true, ctrlrange: [-1, 1], gear: 200 }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'ground', type: 'plane', size: [1, 1, 10], ...GHOST }),
    wall([-SIDE, -SIDE], [SIDE, -SIDE]),
    wall([SIDE, -SIDE], [SIDE, SIDE]),
    wall([-SIDE, SIDE], [SIDE, SIDE]),
    wall([-SIDE, -SIDE], [-SIDE, SIDE]),
    element('geom', {
      name: 'root',
      type: 'cylinder',
      fromto: [0, 0, 0, 0, 0, 0.02],
      size: 0.011,
      rgba: PLUM,
      ...GHOST,
    }),
    element('body', { name: 'upper', pos: [0, 0, HEIGHT] }, [
      link('upper'),
      element('joint', { name: 'shoulder', type: 'hinge', axis: Z_AXIS, limited: false }),
      element('body', { name: 'fore', pos: [LINK_LENGTH, 0, 0] }, [
        element('joint', { name: 'elbow', type: 'hinge', axis: Z_AXIS, range: [-3, 3] }),
        link('fore'),
        element('body', { name: 'fingertip', pos: [0.11, 0, 0] }, [
          element('geom', { name: 'fingertip', type: 'sphere', size: 0.01, rgba: GREEN }),
        ]),
      ]),
    ]),
    element('body', { name: 'target', pos: [...TARGET, HEIGHT] }, [
      targetSlide('target_x', [1, 0, 0], TARGET[0]),
      targetSlide('target_y', [0, 1, 0], TARGET[1]),
      element('geom', { name: 'target', type: 'sphere', size: 0.009, rgba: RED, ...GHOST }),
    ]),
  ]),
  element(
    'actuator',
    {},
    ['shoulder', 'elbow'].map((joint) => element('motor', { name: joint, joint })),
  ),
]);
