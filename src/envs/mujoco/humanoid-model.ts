// The humanoid, standing.
import { humanoidMjcf } from './humanoid-body.ts';

export const HUMANOID_MJCF = humanoidMjcf({
  model: 'humanoid',
  height: 1.4,
  camera: [0, -4, 0],
  head: [0, 0, 0.19],
  upperWaist: [-0.01, 0, -0.12],
  lowerWaist: [-0.01, 0, -0.26],
  pelvis: [0, 0, -0.165],
  thigh: [0, 0.1, -0.04],
  thighEnd: [0, -0.01, -0.34],
  shin: [0, -0.01, -0.403],
  shinEnd: [0, 0, -0.3],
  foot: [0, 0, -0.45],
  leftHipRaise: 110,
});
