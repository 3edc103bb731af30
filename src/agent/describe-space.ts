// A space in a few words, for errors.
import type { SpaceDocument } from '../envs/spaces/space.ts';

export const describeSpace = (space: SpaceDocument): string =>
  space.type === 'Box' ? `Box of shape [${space.shape}]` : `${space.type}(${space.n})`;
