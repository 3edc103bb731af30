// A pole on a cart as MJCF: Barto, Sutton and Anderson, "Neuronlike Adaptive Elements That Can Solve Difficult Learning
// Control Problems" (1983), in the dimensions Gymnasium's InvertedPendulum-v5 has.
import { arena } from './arena.ts';
import { BLUE, STEEL, TAN } from './colors.ts';
import { element } from './mjcf.ts';

/** Turns a capsule from z to x. */
const LYING = [1, 0, 1, 0];

export const INVERTED_PENDULUM_MJCF = element('mujoco', { model: 'inverted-pendulum' }, [
  element('compiler', { angle: 'degree', inertiafromgeom: true }),
  arena('256K'),
  element('option', { integrator: 'RK4', timestep: 0.02, gravity: [0, 0, -9.81] }),
  element('default', {}, [
    element('joint', { limited: true, armature: 0, damping: 1 }),
    // Nothing collides.
    element('geom', { contype: 0, friction: [1, 0.1, 0.1], rgba: BLUE }),
  ]),
  element('worldbody', {}, [
    element('geom', { name: 'rail', type: 'capsule', rgba: STEEL, quat: LYING, size: [0.02, 1] }),
    element('body', { name: 'cart' }, [
      element('joint', { name: 'slider', type: 'slide', axis: [1, 0, 0], range: [-1, 1] }),
      element('geom', { name: 'cart', type: 'capsule', quat: LYING, size: [0.1, 0.1] }),
      element('body', { name: 'pole' }, [
        element('joint', { name: 'hinge', type: 'hinge', axis: [0, 1, 0], range: [-90, 90] }),
        // Not quite upright: at rest with the hinge at 0 it falls.
        element('geom', { name: 'pole', type: 'capsule', fromto: [0, 0, 0, 0.001, 0, 0.6], size: 0.049, rgba: TAN }),
      ]),
    ]),
  ]),
  element('actuator', {}, [
    element('motor', { name: 'slide', joint: 'slider', gear: 100, ctrllimited: true, ctrlrange: [-3, 3] }),
  ]),
]);
