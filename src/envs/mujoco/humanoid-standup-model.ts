// The humanoid, lying on its back: what goes down from the chest of a standing one goes along x.
import { humanoidMjcf } from './humanoid-body.ts';

/** The torso's height at the start, in m. */
export const LYING_HEIGHT = 0.105;

export const HUMANOID_STANDUP_MJCF = humanoidMjcf({
  model: 'humanoid-standup',
  height: LYING_HEIGHT,
  camera: [0, -3, 0.5],
  head: [-0.15, 0, 0],
  upperWaist: [0.11, 0, 0],
  lowerWaist: [0.21, 0, 0],
  pelvis: [0.165, 0, 0],
  thigh: [0, 0.1, 0],
  thighEnd: [0.34, -0.01, 0],
  shin: [0.403, -0.01, 0],
  shinEnd: [0.3, 0, 0],
  foot: [0.35, 0, -0.1],
  leftHipRaise: 120,
});
