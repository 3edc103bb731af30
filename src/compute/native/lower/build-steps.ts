// A graph as steps: each group of nodes one step, or a few; what only moves numbers a view where it can be one, else a copy.
import { sizeOf } from '../../../math/tensor.ts';
import type { Graph, Node } from '../../graph.ts';
import { sameShape, topological, uniformValue } from '../../nodes.ts';
import { formGroups, type Group, type IsStored, identity, isComputed, members, storedNodes } from './groups.ts';
import { type Body, MANY_ROWS, type Operand, type Step, type Steps, type Store } from './steps.ts';
import {
  type Buffer,
  collapse,
  dense,
  expanded,
  type Home,
  permuted,
  reshaped,
  sliced,
  squeezed,
  type View,
  viewKey,
} from './views.ts';

/** Up to this many columns a product is dot products of rows, where both operands have them next to each other. */
const DOT_COLUMNS = 8;
/** Narrower slices are copied: their element-wise work then runs over all elements in one go instead of a part of a vector a row. */
const NARROW = 16;

export function buildSteps(graph: Graph): Steps {
  return new Builder(graph).build();
}

class Builder {
  readonly #graph: Graph;
  readonly #rank: ReadonlyMap<Node, number>;
  readonly #steps: Step[] = [];
  readonly #views = new Map<Node, View>();
  /** Where computed nodes go that have a place given: in an output, in the next state, in a part of a concatenation. */
  readonly #places = new Map<Node, View>();
  readonly #constants = new Map<Buffer, Float32Array>();
  readonly #transposed = new Map<string, View>();
  readonly #isStored: IsStored;
  readonly #flags: Buffer;
  /** Outputs and states in the order of their flags, and each one's place among them. */
  readonly #flagNames: string[] = [];
  readonly #flagPlaces = new Map<Buffer, number>();
  #buffers = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#rank = new Map(topological(graph).map((node, index) => [node, index] as const));
    this.#isStored = storedNodes(graph);
    this.#flags = this.#buffer(graph.outputs.size + graph.state.size, 'output');
  }

  build(): Steps {
    const { inputs, outputs, state } = this.#graph;
    const leaf = (node: Node, home: Home): Buffer => {
      const buffer = this.#buffer(sizeOf(node.shape), home);
      this.#views.set(node, dense(buffer, node.shape));
      return buffer;
    };
    const inputBuffers = new Map([...inputs].map(([name, node]) => [name, leaf(node, 'input')] as const));
    const stateBuffers = new Map([...state].map(([name, { before }]) => [name, leaf(before, 'state')] as const));
    const outputBuffers = new Map(
      [...outputs].map(([name, node]) => [name, this.#flaggedBuffer(name, node, 'output')] as const),
    );
    // Concatenations first: a part that is computed in its place needs no copy, and a root that is one costs a copy anyway.
    for (const node of this.#rank.keys()) {
      if (node.op.kind !== 'concat') continue;
      for (const { part, target } of this.#parts(node, node.op.axis)) this.#settle(throughReshapes(part), target);
    }
    const next = new Map<Buffer, Buffer>();
    const late: (() => void)[] = [];
    const place = (node: Node, buffer: Buffer): void => {
      const target = dense(buffer, node.shape);
      if (!this.#settle(identity(node), target))
        late.push(() => this.#copy(this.#view(node), target, this.#rankOf(node), 'copy'));
    };
    for (const [name, { before, after }] of state) {
      if (before === after) continue;
      const buffer = this.#flaggedBuffer(name, after, 'scratch');
      next.set(buffer, stateBuffers.get(name) as Buffer);
      place(after, buffer);
    }
    for (const [name, node] of outputs) place(node, outputBuffers.get(name) as Buffer);
    for (const group of formGroups(this.#graph, this.#isStored)) this.#group(group);
    for (const copy of late) copy();
    return {
      steps: this.#steps,
      inputs: inputBuffers,
      outputs: outputBuffers,
      state: stateBuffers,
      constants: this.#constants,
      flags: { buffer: this.#flags, names: this.#flagNames },
      next,
    };
  }

  #buffer(size: number, home: Home): Buffer {
    this.#buffers += 1;
    return { id: this.#buffers, size, home };
  }

  #flaggedBuffer(name: string, node: Node, home: Home): Buffer {
    const buffer = this.#buffer(sizeOf(node.shape), home);
    this.#flagPlaces.set(buffer, this.#flagNames.push(name) - 1);
    return buffer;
  }

  #rankOf(node: Node): number {
    return this.#rank.get(node) as number;
  }

  /** Has `node` computed where `target` is, if it is computed, can be there and has no other place yet. */
  #settle(node: Node, target: View): boolean {
    const view = reshaped(target, node.shape);
    if (!isComputed(node) || view === undefined || this.#places.has(node)) return false;
    this.#places.set(node, view);
    return true;
  }

  /** The parts of a concatenation, and where in it each lies. */
  #parts(node: Node, axis: number): { readonly part: Node; readonly target: View }[] {
    const whole = this.#place(node);
    let start = 0;
    return node.inputs.map((part) => {
      const begin = node.shape.map((_, at) => (at === axis ? start : 0));
      start += part.shape[axis] as number;
      return { part, target: sliced(whole, begin, part.shape) };
    });
  }

  /** Where a node that is computed or copied is kept. */
  #place(node: Node): View {
    const view = this.#places.get(node) ?? dense(this.#buffer(sizeOf(node.shape), 'scratch'), node.shape);
    this.#places.set(node, view);
    return view;
  }

  /** The elements of `node` in memory, in its shape; copied where no view of what is there shows them. */
  #view(node: Node): View {
    const known = this.#views.get(node) ?? this.#makeView(node);
    this.#views.set(node, known);
    return known;
  }

  #makeView(node: Node): View {
    const { op, shape } = node;
    const source = node.inputs[0] as Node;
    switch (op.kind) {
      case 'constant': {
        const buffer = this.#buffer(sizeOf(shape), 'constant');
        this.#constants.set(buffer, op.values);
        return dense(buffer, shape);
      }
      case 'reshape':
        return reshaped(this.#view(source), shape) ?? this.#copyOf(node, this.#view(source), source.shape);
      case 'broadcast':
        return expanded(this.#view(source), shape);
      case 'transpose':
        return permuted(this.#view(source), op.perm);
      case 'slice': {
        const view = sliced(this.#view(source), op.begin, shape);
        const narrow = shape.length === 2 && (shape[1] as number) < NARROW && (shape[0] as number) > 1;
        return narrow && shape[1] !== 1 && source.shape[1] !== shape[1] ? this.#copyOf(node, view, shape) : view;
      }
      case 'tile': {
        // [a] three times is [3, a], repeated by a stride of 0.
        const pairs = source.shape.flatMap((size, axis) => [op.reps[axis] as number, size]);
        const ones = source.shape.flatMap((size) => [1, size]);
        const repeated = expanded(reshapedOrThrow(this.#view(source), ones), pairs);
        return this.#copyOf(node, repeated, pairs);
      }
      case 'concat':
        return this.#concat(node, op.axis);
      case 'pad':
        return this.#pad(node, op.paddings, op.value);
      default:
        return this.#place(node);
    }
  }

  /** A dense copy of `from`; `shape` is that of `from`, whose elements in C order are the node's. */
  #copyOf(node: Node, from: View, shape: readonly number[]): View {
    const target = dense(this.#buffer(sizeOf(node.shape), 'scratch'), node.shape);
    this.#copy(from, reshapedOrThrow(target, shape), this.#rankOf(node), node.op.kind);
    return target;
  }

  #copy(from: View, to: View, rank: number, label: string): void {
    this.#store({ kind: 'load', view: squeezed(from) }, to, rank, label);
  }

  #store(value: Operand, to: View, rank: number, label: string): void {
    const view = squeezed(to);
    this.#steps.push({
      kind: 'map',
      label,
      rank,
      shape: view.shape,
      body: { expressions: [], stores: [this.#flaggedStore(value, view)] },
    });
  }

  #concat(node: Node, axis: number): View {
    for (const { part, target } of this.#parts(node, axis)) {
      const from = this.#view(part);
      if (from.buffer !== target.buffer || from.offset !== target.offset)
        this.#copy(from, target, this.#rankOf(node), 'concat');
    }
    return this.#place(node);
  }

  #pad(node: Node, paddings: Paddings, value: number): View {
    const whole = this.#place(node);
    const source = node.inputs[0] as Node;
    const begin = paddings.map(([before]) => before);
    this.#copy(this.#view(source), sliced(whole, begin, source.shape), this.#rankOf(node), 'pad');
    for (const margin of margins(whole, source.shape, paddings))
      this.#store({ kind: 'number', value }, margin, this.#rankOf(node), 'pad');
    return whole;
  }

  #group(group: Group): void {
    const { anchor } = group;
    const rank = Math.max(...members(group).map((node) => this.#rankOf(node)));
    const label = members(group)
      .map(({ op }) => op.kind)
      .join(' ');
    if (anchor === undefined) {
      const step = { kind: 'map', label, rank, shape: group.shape, body: this.#body(group, group.shape) } as const;
      this.#steps.push(flattened(step));
    } else if (anchor.op.kind === 'matmul') this.#product(group, anchor, rank, label);
    else this.#reduce(group, anchor, rank, label);
  }

  #reduce(group: Group, anchor: Node, rank: number, label: string): void {
    const { op } = anchor;
    if (op.kind !== 'sum' && op.kind !== 'max') throw new TypeError(`${op.kind} is not a reduction.`);
    const view = this.#view(anchor.inputs[0] as Node);
    const axes = view.shape.map((_, axis) => axis);
    const kept = axes.filter((axis) => !op.axes.includes(axis) && view.shape[axis] !== 1);
    const reduced = axes.filter((axis) => op.axes.includes(axis));
    const source = permuted(view, [...kept, ...reduced]);
    const body = this.#body(group, group.shape);
    this.#steps.push({ kind: 'reduce', label, rank, shape: group.shape, reduction: op.kind, source, body });
  }

  #product(group: Group, anchor: Node, rank: number, label: string): void {
    const { op } = anchor;
    if (op.kind !== 'matmul') throw new TypeError(`${op.kind} is not a product.`);
    const [left, right] = anchor.inputs.map((input) => this.#view(input)) as [View, View];
    const a = op.transposeA ? permuted(left, [1, 0]) : left;
    const b = op.transposeB ? permuted(right, [1, 0]) : right;
    const [rows, columns] = anchor.shape as readonly [number, number];
    const inner = a.shape[1] as number;
    const step = { label, rank, inner };
    const along = inner <= 1 || (a.strides[1] === 1 && b.strides[0] === 1);
    if (columns === 1 && rows > 1 && along) {
      const body = this.#body(group, anchor.shape);
      this.#steps.push({ ...step, kind: 'dots', shape: anchor.shape, body, a, b: permuted(b, [1, 0]) });
    } else if (columns === 1 && rows > 1) {
      // A column is the row bᵀ·Aᵀ.
      const shape = [1, rows];
      const body = this.#body(group, shape);
      const turned = this.#columnsTogether(permuted(a, [1, 0]), rank);
      this.#steps.push({ ...step, kind: 'product', shape, body, a: permuted(b, [1, 0]), b: turned });
    } else if (columns <= DOT_COLUMNS && along && inner >= NARROW && rows > 1) {
      // Its tiles are no place for a body: stored, then read.
      const alone = { ...step, label: op.kind, rank: this.#rankOf(anchor) };
      const body = this.#body({ ...group, nodes: [] }, anchor.shape);
      this.#steps.push({ ...alone, kind: 'dots', shape: anchor.shape, body, a, b: permuted(b, [1, 0]) });
      if (group.nodes.length > 0) this.#group({ ...group, anchor: undefined });
    } else {
      const body = this.#body(group, anchor.shape);
      const together = this.#columnsTogether(b, rank);
      this.#steps.push({ ...step, kind: 'product', shape: anchor.shape, body, a, b: together });
    }
  }

  /** `b` [inner, columns] with columns next to each other: as it is, or a transposed copy, one for all that need the same. */
  #columnsTogether(b: View, rank: number): View {
    const [inner, columns] = b.shape as readonly [number, number];
    if (b.strides[1] === 1 || columns === 1) return b;
    const key = viewKey(b);
    const known = this.#transposed.get(key);
    if (known !== undefined) return known;
    const target = dense(this.#buffer(inner * columns, 'scratch'), b.shape);
    this.#transposed.set(key, target);
    if (b.strides[0] === 1) {
      const body: Body = { expressions: [], stores: [{ value: { kind: 'anchor' }, view: target }] };
      this.#steps.push({
        kind: 'transpose',
        label: 'transposed for a product',
        rank,
        shape: b.shape,
        body,
        source: permuted(b, [1, 0]),
      });
    } else this.#copy(b, target, rank, 'gathered for a product');
    return target;
  }

  /** The element-wise nodes of a group over `shape` (that of the group, with dimensions of 1 where a product has them). */
  #body(group: Group, shape: readonly number[]): Body {
    const inside = new Set(members(group));
    const index = new Map(group.nodes.map((node, place) => [node, place] as const));
    const aligned = (view: View): View => reshapedOrThrow(squeezed(view), shape);
    const operand = (input: Node, reader: Node): Operand => {
      const value = uniformValue(input);
      if (value !== undefined) return { kind: 'number', value };
      const base = identity(input);
      if (base === group.anchor) return { kind: 'anchor' };
      const place = index.get(base);
      if (place !== undefined) return { kind: 'value', index: place };
      return { kind: 'load', view: aligned(expanded(this.#view(input), reader.shape)) };
    };
    const expressions = group.nodes.map((node) => ({
      op: node.op,
      operands: node.inputs.map((input) => operand(input, node)),
    }));
    const stores = [...inside]
      .filter((node) => this.#isStored(node, inside))
      .map((node) => this.#flaggedStore(operand(node, node), aligned(this.#place(node))));
    return { expressions, stores };
  }

  #flaggedStore(value: Operand, view: View): Store {
    const place = this.#flagPlaces.get(view.buffer);
    if (place === undefined) return { value, view };
    const strides = view.shape.map(() => 0);
    return { value, view, flag: { buffer: this.#flags, offset: place, shape: view.shape, strides } };
  }
}

const throughReshapes = (node: Node): Node =>
  node.op.kind === 'reshape' ? throughReshapes(node.inputs[0] as Node) : node;

function reshapedOrThrow(view: View, shape: readonly number[]): View {
  const result = sameShape(view.shape, shape) ? view : reshaped(view, shape);
  if (result === undefined) throw new RangeError(`A view of [${view.shape}] cannot be seen as [${shape}].`);
  return result;
}

type Paddings = readonly (readonly [number, number])[];

/** Of `whole`, which is `inner` padded: along each axis the two margins that no axis before it has covered. */
function margins(whole: View, inner: readonly number[], paddings: Paddings): View[] {
  return paddings.flatMap(([before, after], axis) => {
    const margin = (start: number, length: number): View => {
      const begin = paddings.map(([first], at) => (at < axis ? first : at === axis ? start : 0));
      const shape = whole.shape.map((full, at) => (at < axis ? (inner[at] as number) : at === axis ? length : full));
      return sliced(whole, begin, shape);
    };
    const end = (whole.shape[axis] as number) - after;
    return [...(before > 0 ? [margin(0, before)] : []), ...(after > 0 ? [margin(end, after)] : [])];
  });
}

/** A loop over few rows as one over all elements, where every view has them in one run: more of it to share among threads. */
function flattened(step: Extract<Step, { kind: 'map' }>): Step {
  const size = sizeOf(step.shape);
  if (step.shape.length < 2 || (step.shape[0] as number) >= MANY_ROWS) return step;
  let possible = true;
  const flat = (view: View): View => {
    const { strides } = collapse([view.shape, view.strides]);
    const [stride, ...more] = strides[0] as number[];
    possible &&= more.length === 0;
    return { ...view, shape: [size], strides: [stride ?? 0] };
  };
  const operand = (one: Operand): Operand => (one.kind === 'load' ? { kind: 'load', view: flat(one.view) } : one);
  const body: Body = {
    expressions: step.body.expressions.map(({ op, operands }) => ({ op, operands: operands.map(operand) })),
    stores: step.body.stores.map(({ value, view, flag }) => ({
      value: operand(value),
      view: flat(view),
      ...(flag !== undefined && { flag: flat(flag) }),
    })),
  };
  return possible ? { ...step, shape: [size], body } : step;
}
