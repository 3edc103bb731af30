// From a space as JSON writes it back to the space.
import { Box } from './box.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import type { AnySpace, AnySpaceDocument, SpaceDocument, SpaceOf, Value } from './space.ts';
import { Tuple } from './tuple.ts';

/** The space a document describes. Throws `unsupported_space` where its bounds do not fit. */
export function fromDocument(document: SpaceDocument): SpaceOf<Value>;
export function fromDocument(document: AnySpaceDocument): AnySpace;
export function fromDocument(document: AnySpaceDocument): AnySpace {
  switch (document.type) {
    case 'Box':
      return Box.fromDocument(document);
    case 'Discrete':
      return Discrete.fromDocument(document);
    case 'MultiDiscrete':
      return MultiDiscrete.fromDocument(document);
    case 'MultiBinary':
      return MultiBinary.fromDocument(document);
    case 'Tuple':
      return new Tuple(document.spaces.map((part) => fromDocument(part)));
    case 'Dict':
      return new Dict(document.spaces.map(({ key, space }) => [key, fromDocument(space)]));
    default:
      throw new TypeError(`Unknown space: ${JSON.stringify(document satisfies never)}`);
  }
}
