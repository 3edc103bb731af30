// Spaces on the wire.
import type { SpaceDocument } from '../../envs/spaces/space.ts';
import type { Schema } from '../operation.ts';
import { tensorToWire } from './tensor.ts';

export function spaceToWire(space: SpaceDocument): Schema<'Space'> {
  switch (space.type) {
    case 'Box':
      return {
        type: 'Box',
        dtype: space.dtype,
        shape: [...space.shape],
        low: tensorToWire(space.low),
        high: tensorToWire(space.high),
      };
    case 'Discrete':
      return { type: 'Discrete', n: space.n, start: space.start };
    default:
      space satisfies never;
      throw new TypeError(`There is no wire form of ${JSON.stringify(space)}.`);
  }
}
