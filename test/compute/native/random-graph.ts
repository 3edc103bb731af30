// Graphs drawn at random from every kind of node, with state: for what no one thought of. Their numbers stay between ±4 and meet no
// jump (conditions compare inputs, which every engine has exactly), so that float32 follows float64 to 1e-4 through all of it.
import type { DType, Graph, Node, Op } from '../../../src/compute/graph.ts';
import { broadcastShape, nodeMaker, sameShape } from '../../../src/compute/nodes.ts';
import type { Pcg64 } from '../../../src/math/pcg64.ts';
import { sizeOf } from '../../../src/math/tensor.ts';

/** Below and above the limits from which the rows of a step are shared among threads, on and off the vector widths. */
const SIZES = [1, 2, 3, 5, 16, 17, 31, 33, 48, 64, 70];
const LARGEST = 12_000;
const MOST = 4;

export function randomGraph(rng: Pcg64, computed: number): Graph {
  return new Drawing(rng).draw(computed);
}

class Drawing {
  readonly #rng: Pcg64;
  readonly #make = nodeMaker();
  readonly #inputs = new Map<string, Node>();
  readonly #states = new Map<string, Node>();
  readonly #pool: Node[] = [];
  /** How large the numbers of a node can be. */
  readonly #most = new Map<Node, number>();
  readonly #sizes: readonly number[];

  constructor(rng: Pcg64) {
    this.#rng = rng;
    // Few sizes a graph, so that shapes meet.
    this.#sizes = [this.#pick(SIZES), this.#pick(SIZES), this.#pick(SIZES)];
  }

  draw(computed: number): Graph {
    for (let leaf = 0; leaf < 3; leaf += 1) {
      this.#leaf(this.#inputs, 'x', this.#shape());
      this.#leaf(this.#states, 's', this.#shape());
    }
    for (let count = 0; count < computed; count += 1) this.#grow();
    const outputs = new Map<string, Node>();
    for (let index = 0; index < 6; index += 1) outputs.set(`y${index}`, index < 3 ? this.#recent() : this.#any());
    const state = new Map([...this.#states].map(([name, before]) => [name, { before, after: this.#next(before) }]));
    return { inputs: this.#inputs, state, outputs };
  }

  #integer(below: number): number {
    return this.#rng.integers(0, below);
  }

  #pick<T>(of: readonly T[]): T {
    return of[this.#integer(of.length)] as T;
  }

  #any = (): Node => this.#pick(this.#pool);
  /** Late nodes are chosen more often, so that graphs grow deep. */
  #recent = (): Node => this.#pick(this.#integer(3) > 0 ? this.#pool.slice(-8) : this.#pool);

  #shape(): number[] {
    return Array.from({ length: this.#pick([0, 1, 2, 2, 2, 2]) }, () => this.#pick(this.#sizes));
  }

  #add(op: Op, inputs: readonly Node[], shape: readonly number[], most: number, dtype?: DType): Node {
    let node = this.#make(op, inputs, shape, dtype);
    this.#most.set(node, most);
    if (most > MOST) {
      node = this.#make({ kind: 'tanh' }, [node], shape);
      this.#most.set(node, 1);
    }
    if (dtype !== 'bool') this.#pool.push(node);
    return node;
  }

  #leaf(leaves: Map<string, Node>, letter: string, shape: readonly number[]): Node {
    const name = `${letter}${leaves.size}`;
    const node = this.#add({ kind: 'input', name }, [], shape, 1);
    leaves.set(name, node);
    return node;
  }

  #number(value: number): Node {
    const node = this.#make({ kind: 'constant', values: Float32Array.of(value) }, [], []);
    this.#most.set(node, Math.abs(value));
    return node;
  }

  #bound = (node: Node): number => this.#most.get(node) as number;

  #grow(): void {
    const x = this.#recent();
    const kinds = [this.#unary, this.#unary, this.#binary, this.#binary, this.#binary, this.#product, this.#product];
    const others = [this.#reduction, this.#select, this.#quotient, this.#logarithm, this.#move, this.#move, this.#move];
    this.#pick([...kinds, ...others]).call(this, x);
  }

  #unary(x: Node): void {
    const most = this.#bound(x);
    const kinds = {
      neg: most,
      abs: most,
      relu: most,
      tanh: 1,
      sigmoid: 1,
      softplus: most + 1,
      square: most ** 2,
    } as const;
    const kind = this.#pick(Object.keys(kinds) as (keyof typeof kinds)[]);
    this.#add({ kind }, [x], x.shape, kinds[kind]);
  }

  #binary(x: Node): void {
    const y = this.#partner(x);
    const shape = broadcastShape(x.shape, y.shape);
    const [a, b] = [this.#bound(x), this.#bound(y)];
    const results = { add: a + b, sub: a + b, mul: a * b, minimum: Math.max(a, b), maximum: Math.max(a, b) } as const;
    const kind = this.#pick(Object.keys(results) as (keyof typeof results)[]);
    this.#add({ kind }, this.#integer(2) === 0 ? [x, y] : [y, x], shape, results[kind]);
  }

  /** Something that broadcasts with `x` to no more than LARGEST numbers. */
  #partner(x: Node): Node {
    const fitting = this.#pool.filter((node) => {
      try {
        return sizeOf(broadcastShape(x.shape, node.shape)) <= LARGEST;
      } catch {
        return false;
      }
    });
    return this.#integer(5) === 0 || fitting.length === 0
      ? this.#number(this.#rng.uniform(-1, 1))
      : this.#pick(fitting);
  }

  #product(x: Node): void {
    const a =
      x.shape.length === 2
        ? x
        : this.#pick(
            this.#pool
              .filter(({ shape }) => shape.length === 2)
              .concat(this.#leaf(this.#states, 's', [this.#pick(this.#sizes), this.#pick(this.#sizes)])),
          );
    const [transposeA, transposeB] = [this.#integer(2) === 0, this.#integer(2) === 0];
    const [rows, inner] = (transposeA ? [...a.shape].reverse() : a.shape) as readonly [number, number];
    const columnsOf = (shape: readonly number[]): number => shape[transposeB ? 0 : 1] as number;
    const fitting = this.#pool.filter(
      ({ shape }) => shape.length === 2 && shape[transposeB ? 1 : 0] === inner && rows * columnsOf(shape) <= LARGEST,
    );
    const size = this.#pick(this.#sizes);
    const isMet = fitting.length > 0 && this.#integer(3) > 0;
    if (!isMet && Math.max(rows, inner) * size > LARGEST) return;
    const b = isMet ? this.#pick(fitting) : this.#leaf(this.#states, 's', transposeB ? [size, inner] : [inner, size]);
    const columns = columnsOf(b.shape);
    const product = this.#make({ kind: 'matmul', transposeA, transposeB }, [a, b], [rows, columns]);
    // Divided by the root of its terms: what is left is as large as its operands, on the whole; tanh bounds it.
    const scaled = this.#make({ kind: 'mul' }, [product, this.#number(inner ** -0.5)], product.shape);
    const biased =
      this.#integer(2) === 0
        ? this.#make({ kind: 'add' }, [scaled, this.#leaf(this.#states, 's', [columns])], product.shape)
        : scaled;
    this.#add({ kind: this.#pick(['tanh', 'sigmoid'] as const) }, [biased], product.shape, 1);
  }

  #reduction(x: Node): void {
    const axes = x.shape.map((_, axis) => axis).filter(() => this.#integer(2) === 0);
    const keepDims = this.#integer(2) === 0;
    const shape = keepDims
      ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    const kind = this.#pick(['sum', 'mean', 'max'] as const);
    const most = this.#bound(x);
    const node = this.#make({ kind, axes, keepDims }, [x], shape);
    if (kind !== 'sum') return void this.#add({ kind: 'neg' }, [node], shape, most);
    const terms = sizeOf(x.shape) / sizeOf(shape);
    this.#add({ kind: 'mul' }, [node, this.#number(1 / terms)], shape, most);
  }

  /** Conditions compare leaves: at a jump every engine must be on the same side. */
  #select(): void {
    const leaves = this.#pool.filter(({ op }) => op.kind === 'input');
    const leaf = this.#pick(leaves);
    const kind = this.#pick(['greater', 'less', 'greaterEqual', 'lessEqual'] as const);
    const truth = this.#make({ kind }, [leaf, this.#number(0.25)], leaf.shape, 'bool');
    const same = this.#pool.filter(({ shape }) => sameShape(shape, leaf.shape));
    const [yes, no] = [this.#pick(same), this.#pick(same)];
    this.#add({ kind: 'select' }, [truth, yes, no], leaf.shape, Math.max(this.#bound(yes), this.#bound(no)));
  }

  #quotient(x: Node): void {
    const divisor = this.#add(
      { kind: 'add' },
      [this.#make({ kind: 'abs' }, [x], x.shape), this.#number(1)],
      x.shape,
      MOST,
    );
    const kind = this.#integer(2) === 0 ? 'reciprocal' : 'div';
    this.#add({ kind }, kind === 'div' ? [x, divisor] : [divisor], x.shape, MOST);
  }

  #logarithm(x: Node): void {
    const positive = this.#make(
      { kind: 'add' },
      [this.#make({ kind: 'square' }, [x], x.shape), this.#number(1)],
      x.shape,
    );
    this.#add({ kind: this.#pick(['log', 'sqrt'] as const) }, [positive], x.shape, this.#bound(x) + 1);
  }

  #move(x: Node): void {
    const { shape } = x;
    const most = this.#bound(x);
    const axis = shape.length === 0 ? -1 : this.#integer(shape.length);
    const at = <T>(own: (size: number) => T, other: (size: number) => T): T[] =>
      shape.map((size, place) => (place === axis ? own(size) : other(size)));
    const same = (size: number): number => size;
    switch (this.#pick(['reshape', 'broadcast', 'tile', 'transpose', 'concat', 'slice', 'pad', 'clip'] as const)) {
      case 'clip':
        return void this.#add({ kind: 'clip', min: -0.5, max: 0.75 }, [x], shape, 1);
      case 'reshape': {
        const flat = this.#pick([
          [sizeOf(shape)],
          [1, ...shape],
          [...shape, 1],
          this.#factored(sizeOf(shape)),
          [...shape].reverse(),
        ]);
        return void this.#add({ kind: 'reshape' }, [x], flat, most);
      }
      case 'broadcast': {
        const size = this.#pick(this.#sizes);
        if (sizeOf(shape) * size > LARGEST || shape.length > 2) return;
        return void this.#add({ kind: 'broadcast' }, [x], [size, ...shape], most);
      }
      case 'tile': {
        if (axis < 0 || sizeOf(shape) > LARGEST / 3) return;
        const reps = at(
          () => 3,
          () => 1,
        );
        return void this.#add(
          { kind: 'tile', reps },
          [x],
          at((size) => 3 * size, same),
          most,
        );
      }
      case 'transpose': {
        const perm = shape.map((_, place) => shape.length - 1 - place);
        return void this.#add({ kind: 'transpose', perm }, [x], [...shape].reverse(), most);
      }
      case 'concat': {
        if (axis < 0) return;
        const fits = (other: Node): boolean =>
          other.shape.length === shape.length &&
          other.shape.every((size, place) => place === axis || size === shape[place]);
        const others = [this.#pick(this.#pool.filter(fits)), this.#pick(this.#pool.filter(fits))];
        const parts = [x, ...others.slice(0, 1 + this.#integer(2))];
        const total = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
        const whole = at(() => total, same);
        if (sizeOf(whole) > LARGEST) return;
        return void this.#add({ kind: 'concat', axis }, parts, whole, Math.max(...parts.map(this.#bound)));
      }
      case 'slice': {
        const begin = shape.map((size) => this.#integer(size));
        const size = shape.map((full, place) => 1 + this.#integer(full - (begin[place] as number)));
        return void this.#add({ kind: 'slice', begin }, [x], size, most);
      }
      case 'pad': {
        const paddings = shape.map(() => [this.#integer(3), this.#integer(3)] as const);
        const padded = shape.map(
          (size, place) => size + (paddings[place]?.[0] as number) + (paddings[place]?.[1] as number),
        );
        return void this.#add(
          { kind: 'pad', paddings, value: this.#pick([0, -1.5]) },
          [x],
          padded,
          Math.max(most, 1.5),
        );
      }
    }
  }

  #factored(size: number): number[] {
    const factor = [2, 3, 5, 7, 16, 17].find((one) => size % one === 0 && size > one) ?? 1;
    return [size / factor, factor];
  }

  /** What a state becomes: mixed with itself, replaced, exchanged with another, kept, or turned. */
  #next(before: Node): Node {
    const fitting = this.#pool.filter((node) => node !== before && sameShape(node.shape, before.shape));
    const square = before.shape.length === 2 && before.shape[0] === before.shape[1];
    switch (this.#integer(6)) {
      case 0:
        return before;
      case 1:
        if (square) return this.#make({ kind: 'transpose', perm: [1, 0] }, [before], before.shape);
        return fitting.length === 0 ? before : this.#pick(fitting);
      case 2:
        return fitting.length === 0 ? before : this.#pick(fitting);
      default: {
        const kept = this.#make({ kind: 'mul' }, [before, this.#number(0.75)], before.shape);
        const fresh = fitting.length === 0 ? before : this.#pick(fitting);
        const share = this.#make({ kind: 'mul' }, [fresh, this.#number(0.0625)], before.shape);
        return this.#make({ kind: 'add' }, [kept, share], before.shape);
      }
    }
  }
}
