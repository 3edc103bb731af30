// What a program does, step by step: loops over elements, products, sums and copies, each on views of buffers. In no order yet, and
// with no place in memory yet. The model and what can be asked of it; build-steps.ts makes it of a graph.
import type { Op } from '../../graph.ts';
import type { Buffer, View } from './views.ts';

/** `anchor` is the result of the product or the reduction that the body follows. */
export type Operand =
  | { readonly kind: 'anchor' }
  | { readonly kind: 'value'; readonly index: number }
  | { readonly kind: 'load'; readonly view: View }
  | { readonly kind: 'number'; readonly value: number };

/** Element-wise work: expression i is value i; then the stores. Views have the shape of the step. */
export interface Body {
  readonly expressions: readonly { readonly op: Op; readonly operands: readonly Operand[] }[];
  readonly stores: readonly Store[];
}

export interface Store {
  readonly value: Operand;
  readonly view: View;
  /** Set to 1 where a number that is stored is NaN or infinite. */
  readonly flag?: View;
}

interface Common {
  /** The graph's ops, for a reader of the C. */
  readonly label: string;
  /** Place in the graph's order of its last node: what comes first is done first where nothing else decides. */
  readonly rank: number;
  readonly shape: readonly number[];
  readonly body: Body;
}

export type Step = Common &
  (
    | { readonly kind: 'map' }
    /** shape [rows, columns]; a [rows, inner], b [inner, columns] with columns next to each other. */
    | { readonly kind: 'product'; readonly a: View; readonly b: View; readonly inner: number }
    /** shape [rows, columns], few columns; a [rows, inner], b [columns, inner], both with the inner dimension next to each other. */
    | { readonly kind: 'dots'; readonly a: View; readonly b: View; readonly inner: number }
    /** The source has the dimensions of `shape` first, then those reduced. */
    | { readonly kind: 'reduce'; readonly reduction: 'sum' | 'max'; readonly source: View }
    /** source [rows, columns] with columns next to each other; the body has one store, dense [columns, rows]. */
    | { readonly kind: 'transpose'; readonly source: View }
  );

export interface Steps {
  readonly steps: readonly Step[];
  readonly inputs: ReadonlyMap<string, Buffer>;
  readonly outputs: ReadonlyMap<string, Buffer>;
  readonly state: ReadonlyMap<string, Buffer>;
  readonly constants: ReadonlyMap<Buffer, Float32Array>;
  /** One number for each of these outputs and states: whether the last call made it NaN or infinite. */
  readonly flags: { readonly buffer: Buffer; readonly names: readonly string[] };
  /** Buffers that hold the next value of a state, and the state's own. */
  readonly next: ReadonlyMap<Buffer, Buffer>;
}

/** With so many rows a step is shared by rows: fewer are not worth it. */
export const MANY_ROWS = 32;

const loaded = (operands: readonly Operand[]): View[] =>
  operands.flatMap((operand) => (operand.kind === 'load' ? [operand.view] : []));

/** Views whose elements the expressions work on. */
export const expressionLoads = ({ expressions }: Body): View[] =>
  loaded(expressions.flatMap(({ operands }) => operands));

/** Those, and views that are stored as they are. */
export const loads = (body: Body): View[] => [
  ...expressionLoads(body),
  ...loaded(body.stores.map(({ value }) => value)),
];

export function reads(step: Step): View[] {
  switch (step.kind) {
    case 'map':
      return loads(step.body);
    case 'product':
    case 'dots':
      return [step.a, step.b, ...loads(step.body)];
    case 'reduce':
    case 'transpose':
      return [step.source, ...loads(step.body)];
    default:
      throw new TypeError(`Unknown step ${JSON.stringify(step satisfies never)}.`);
  }
}

export const writes = (step: Step): View[] => step.body.stores.map(({ view }) => view);
