// From a space as JSON writes it back to the space.
import { Box } from './box.ts';
import { Discrete } from './discrete.ts';
import type { SpaceDocument, SpaceOf, Value } from './space.ts';

/** The space a document describes. Throws `unsupported_space` where its bounds do not fit. */
export function fromDocument(document: SpaceDocument): SpaceOf<Value> {
  switch (document.type) {
    case 'Box':
      return Box.fromDocument(document);
    case 'Discrete':
      return Discrete.fromDocument(document);
    default:
      throw new TypeError(`Unknown space: ${JSON.stringify(document satisfies never)}`);
  }
}
