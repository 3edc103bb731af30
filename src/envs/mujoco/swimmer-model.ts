// The swimmer as MJCF: three rods in a viscous fluid, which alone moves them. Coulom, "Reinforcement Learning Using Neural
// Networks, with Applications to Motor Control" (2002), in the dimensions Gymnasium's Swimmer-v5 has.
import { arena } from './arena.ts';
import { TAN } from './colors.ts';
import { element } from './mjcf.ts';

const Z_AXIS = [0, 0, 1];

/** A rod of 1 m along x. */
function rod(from: number, to: number): string {
  return element('geom', { type: 'capsule', fromto: [from, 0, 0, to, 0, 0], size: 0.1, density: 1000 });
}

function motorJoint(name: string): string {
  return element('joint', { name, type: 'hinge', axis: Z_AXIS, limited: true, range: [-100, 100] });
}

export const SWIMMER_MJCF = element('mujoco', { model: 'swimmer' }, [
  element('compiler', { angle: 'degree', inertiafromgeom: true }),
  arena('256K'),
  // kg/m³ and Pa s of the fluid.
  element('option', { integrator: 'RK4', timestep: 0.01, density: 4000, viscosity: 0.1 }),
  element('default', {}, [
    // Nothing collides; the floor is there to be seen.
    element('geom', { contype: 0, conaffinity: 0, condim: 1, rgba: TAN }),
    element('joint', { armature: 0.1 }),
    element('motor', { ctrllimited: true, ctrlrange: [-1, 1], gear: 150 }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'floor', type: 'plane', pos: [0, 0, -0.1], size: [40, 40, 0.1], condim: 3 }),
    element('body', { name: 'torso' }, [
      element('camera', { name: 'track', mode: 'trackcom', pos: [0, -3, 3], xyaxes: [1, 0, 0, 0, 1, 1] }),
      rod(1.5, 0.5),
      element('joint', { name: 'rootx', type: 'slide', axis: [1, 0, 0] }),
      element('joint', { name: 'rooty', type: 'slide', axis: [0, 1, 0] }),
      element('joint', { name: 'rootz', type: 'hinge', axis: Z_AXIS }),
      element('body', { name: 'mid', pos: [0.5, 0, 0] }, [
        rod(0, -1),
        motorJoint('mid'),
        element('body', { name: 'back', pos: [-1, 0, 0] }, [rod(0, -1), motorJoint('back')]),
      ]),
    ]),
  ]),
  element(
    'actuator',
    {},
    ['mid', 'back'].map((joint) => element('motor', { name: joint, joint })),
  ),
]);
