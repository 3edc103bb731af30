// A pole on a pole on a cart as MJCF, in the dimensions Gymnasium's InvertedDoublePendulum-v5 has.
import { arena } from './arena.ts';
import { BLUE, STEEL, TAN } from './colors.ts';
import { element } from './mjcf.ts';

/** m */
const POLE_LENGTH = 0.6;
/** Turns a capsule from z to x. */
const LYING = [1, 0, 1, 0];

function pole(name: string, height: number, above: string): string {
  return element('body', { name, pos: [0, 0, height] }, [
    element('joint', { name, type: 'hinge', axis: [0, 1, 0] }),
    element('geom', { name, type: 'capsule', fromto: [0, 0, 0, 0, 0, POLE_LENGTH], size: 0.045, rgba: TAN }),
    above,
  ]);
}

export const INVERTED_DOUBLE_PENDULUM_MJCF = element('mujoco', { model: 'inverted-double-pendulum' }, [
  element('compiler', { inertiafromgeom: true }),
  arena('256K'),
  // A breath of gravity along x: balance is nowhere perfect.
  element('option', { integrator: 'RK4', timestep: 0.01, gravity: [1e-5, 0, -9.81] }),
  element('default', {}, [
    element('joint', { damping: 0.05 }),
    // Nothing collides.
    element('geom', { contype: 0, friction: [1, 0.1, 0.1], rgba: BLUE }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'floor', type: 'plane', pos: [0, 0, -3], size: [40, 40, 40] }),
    element('geom', { name: 'rail', type: 'capsule', rgba: STEEL, quat: LYING, size: [0.02, 1] }),
    element('body', { name: 'cart' }, [
      element('joint', { name: 'slider', type: 'slide', axis: [1, 0, 0], limited: true, range: [-1, 1], margin: 0.01 }),
      element('geom', { name: 'cart', type: 'capsule', quat: LYING, size: [0.1, 0.1] }),
      pole(
        'pole',
        0,
        pole('pole2', POLE_LENGTH, element('site', { name: 'tip', pos: [0, 0, POLE_LENGTH], size: [0.01, 0.01] })),
      ),
    ]),
  ]),
  element('actuator', {}, [
    element('motor', { name: 'slide', joint: 'slider', gear: 500, ctrllimited: true, ctrlrange: [-1, 1] }),
  ]),
]);
