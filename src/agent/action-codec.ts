// The one place where what an agent decides becomes an action of the environment: numbers in [−1, 1] an element of a Box,
// an index an element of a Discrete space.
import * as tf from '@tensorflow/tfjs-core';
import type { DiscreteDocument, SpaceDocument, Value } from '../envs/spaces/space.ts';
import { ActionScale } from './action-scale.ts';

export interface ActionCodec {
  /** `action` [action] of the agent as a fresh element of the space. */
  toSpace(action: Float32Array): Value;
  /** The other way: what the agent would have decided, had it decided this element of the space. */
  fromSpace(action: Value): Float32Array;
  /** The same map in tfjs and float32, for [batch, action] in a program that is traced. */
  toSpaceTensor(action: tf.Tensor): tf.Tensor;
}

/** `action` has passed `Algorithm.checkSpaces`. */
export function actionCodec(action: SpaceDocument): ActionCodec {
  return action.type === 'Box' ? new ActionScale(action) : indexCodec(action);
}

function indexCodec({ start }: DiscreteDocument): ActionCodec {
  return {
    toSpace: ([index]) => start + (index as number),
    fromSpace: (action) => Float32Array.of((action as number) - start),
    toSpaceTensor: (index) => tf.add(index, start),
  };
}
