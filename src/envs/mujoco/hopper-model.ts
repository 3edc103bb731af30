// The hopper as MJCF: a planar walker on one leg, with a long foot and slow, heavy joints.
import { planarWalkerMjcf } from './planar-walker-model.ts';

export const HOPPER_MJCF = planarWalkerMjcf({
  model: 'hopper',
  legs: [''],
  armature: 1,
  damping: 1,
  contact: { contype: 1, conaffinity: 1, condim: 1, margin: 0.001, solref: [0.02, 1], solimp: [0.8, 0.8, 0.01] },
  floorSize: [20, 20, 0.125],
  foot: { reach: 0.13, halfLength: 0.195, friction: 2 },
  gear: 200,
});
