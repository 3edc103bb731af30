// Which nodes are computed together, in one pass over their elements: element-wise nodes of one shape, and with them the product
// or reduction whose result they work on. Knows no memory: where a group stores its results is decided in build-steps.ts.
import { sizeOf } from '../../../math/tensor.ts';
import type { Graph, Node, Op } from '../../graph.ts';
import { isElementwise, roots, sameShape, topological } from '../../nodes.ts';
import { squeezeShape } from './views.ts';

export interface Group {
  /** The product or reduction that the others follow. */
  anchor: Node | undefined;
  /** Element-wise nodes, each after its inputs. */
  nodes: Node[];
  /** Of every node in it, without dimensions of 1. */
  readonly shape: readonly number[];
}

/** Whether an op is a function of many instructions. */
export const isHeavy = (op: Op): boolean => HEAVY.has(op.kind);
const HEAVY: ReadonlySet<Op['kind']> = new Set(['div', 'sqrt', 'tanh', 'exp', 'log', 'softplus', 'sigmoid', 'pow']);
const isAnchor = (node: Node): boolean => ['matmul', 'sum', 'max'].includes(node.op.kind);
export const isComputed = (node: Node): boolean => isElementwise(node.op) || isAnchor(node);

/** The node whose value `node` is, element by element: through reshapes that only add or drop dimensions of 1. */
export function identity(node: Node): Node {
  const source = node.inputs[0];
  const only = node.op.kind === 'reshape' && source !== undefined;
  return only && sameShape(squeezeShape(source.shape), squeezeShape(node.shape)) ? identity(source) : node;
}

/** Full-size arrays that an epilogue of a product may read and write: with more, the tile waits for memory instead of computing. */
const EPILOGUE_ARRAYS = 4;
/** From here on a product's rows are wide enough for heavy functions in its tiles: in narrow ones most lanes would be masked. */
const WIDE = 16;

export function formGroups(graph: Graph, isStored: IsStored): Group[] {
  const order = topological(graph);
  const rank = new Map(order.map((node, index) => [node, index] as const));
  const groupOf = new Map<Node, Group>();
  for (const node of order) {
    if (!isComputed(node)) continue;
    const elementwise = isElementwise(node.op);
    groupOf.set(node, {
      anchor: elementwise ? undefined : node,
      nodes: elementwise ? [node] : [],
      shape: squeezeShape(node.shape),
    });
  }
  const merger = new Merger(groupOf, rank, isStored);
  // Twice: a merge can open the way for another.
  for (let round = 0; round < 2; round += 1) for (const node of [...order].reverse()) merger.mergeInto(node);
  return [...new Set(groupOf.values())];
}

class Merger {
  readonly #groupOf: Map<Node, Group>;
  readonly #rank: ReadonlyMap<Node, number>;
  readonly #isStored: IsStored;

  constructor(groupOf: Map<Node, Group>, rank: ReadonlyMap<Node, number>, isStored: IsStored) {
    this.#groupOf = groupOf;
    this.#rank = rank;
    this.#isStored = isStored;
  }

  /** Joins the group of `node` with those of its inputs, anchored ones first. */
  mergeInto(node: Node): void {
    if (!isElementwise(node.op)) return;
    const anchored = (input: Node): number => (this.#groupOf.get(input)?.anchor === undefined ? 1 : 0);
    const inputs = node.inputs.map(identity).filter((input) => this.#groupOf.has(input));
    for (const input of inputs.sort((a, b) => anchored(a) - anchored(b))) {
      const [producer, consumer] = [this.#groupOf.get(input) as Group, this.#groupOf.get(node) as Group];
      if (producer !== consumer && this.#mayMerge(producer, consumer)) this.#merge(producer, consumer);
    }
  }

  #mayMerge(producer: Group, consumer: Group): boolean {
    if (producer.anchor !== undefined && consumer.anchor !== undefined) return false;
    if (!sameShape(producer.shape, consumer.shape)) return false;
    // Every way from one to the other goes element by element, and none through a third group.
    if (!this.#onlyElementwise(producer, consumer) || !this.#onlyElementwise(consumer, producer)) return false;
    if (this.#reachesThroughOthers(producer, consumer) || this.#reachesThroughOthers(consumer, producer)) return false;
    const merged = this.#joined(producer, consumer);
    return merged.anchor === undefined || this.#fitsEpilogue(merged);
  }

  /** Whether what `consumer` reads of `producer` is read at the place where it was computed. */
  #onlyElementwise(producer: Group, consumer: Group): boolean {
    return members(consumer).every((node) =>
      node.inputs.every((input) => {
        if (node !== consumer.anchor && this.#groupOf.get(identity(input)) === producer) return true;
        return ![...this.#feeding(input)].includes(producer);
      }),
    );
  }

  #fitsEpilogue(group: Group): boolean {
    const anchor = group.anchor as Node;
    if (anchor.op.kind !== 'matmul') return true;
    const narrow = (anchor.shape[1] as number) < WIDE && (anchor.shape[0] as number) > 1;
    if (narrow && anchor.shape[1] !== 1 && group.nodes.some(({ op }) => isHeavy(op))) return false;
    return this.#arrays(group) <= EPILOGUE_ARRAYS;
  }

  /** Full-size arrays that the group reads and writes. */
  #arrays(group: Group): number {
    const inside = new Set(members(group));
    const size = sizeOf(group.shape);
    const read = new Set(
      group.nodes
        .flatMap(({ inputs }) => inputs.map(identity))
        .filter((input) => !inside.has(input) && sizeOf(input.shape) === size && input.op.kind !== 'constant'),
    );
    const written = [...inside].filter((node) => this.#isStored(node, inside));
    return read.size + written.length;
  }

  /** Whether a path leads from `start` to `end` over at least one other group: as one, they would need themselves. */
  #reachesThroughOthers(start: Group, end: Group): boolean {
    const seen = new Set<Group>();
    const waiting = this.#sources(end).filter((group) => group !== start && group !== end);
    for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
      if (group === start) return true;
      if (seen.has(group)) continue;
      seen.add(group);
      waiting.push(...this.#sources(group));
    }
    return false;
  }

  /** The groups whose results `group` reads. */
  #sources(group: Group): Group[] {
    const found = new Set<Group>();
    for (const { inputs } of members(group))
      for (const input of inputs) for (const source of this.#feeding(input)) found.add(source);
    found.delete(group);
    return [...found];
  }

  /** The groups that `node` comes from: its own, or through movements those of its inputs. */
  *#feeding(node: Node): Generator<Group> {
    const group = this.#groupOf.get(node);
    if (group !== undefined) yield group;
    else for (const input of node.inputs) yield* this.#feeding(input);
  }

  #joined(a: Group, b: Group): Group {
    const nodes = [...a.nodes, ...b.nodes].sort(
      (x, y) => (this.#rank.get(x) as number) - (this.#rank.get(y) as number),
    );
    return { anchor: a.anchor ?? b.anchor, nodes, shape: a.shape };
  }

  #merge(a: Group, b: Group): void {
    const group = this.#joined(a, b);
    for (const node of members(group)) this.#groupOf.set(node, group);
  }
}

export const members = (group: Group): Node[] =>
  group.anchor === undefined ? group.nodes : [group.anchor, ...group.nodes];

/** Whether `node` has to be in memory once the nodes `inside`, of which it is one, are computed together. */
export type IsStored = (node: Node, inside: ReadonlySet<Node>) => boolean;

/** What is stored: what the caller sees, and what is read outside, in its place or moved; reshapes that move nothing are looked through. */
export function storedNodes(graph: Graph): IsStored {
  const kept = new Set(roots(graph).map(identity));
  const readers = new Map<Node, Set<Node>>();
  for (const reader of topological(graph)) {
    if (identity(reader) !== reader) continue;
    for (const input of reader.inputs.map(identity)) readers.set(input, (readers.get(input) ?? new Set()).add(reader));
  }
  return (node, inside) => kept.has(node) || [...(readers.get(node) ?? [])].some((reader) => !inside.has(reader));
}
