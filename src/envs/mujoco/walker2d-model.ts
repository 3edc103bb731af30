// The walker as MJCF: a planar walker on two legs, which pass through each other: contype 1 meets only the floor's
// conaffinity 1.
import { planarWalkerMjcf } from './planar-walker-model.ts';

export const WALKER2D_MJCF = planarWalkerMjcf({
  model: 'walker2d',
  legs: ['', '_left'],
  armature: 0.01,
  damping: 0.1,
  contact: { contype: 1, conaffinity: 0, condim: 3, friction: [0.7, 0.1, 0.1], density: 1000 },
  floorSize: [40, 40, 40],
  foot: { reach: 0.2, halfLength: 0.1, friction: 1.9 },
  gear: 100,
});
