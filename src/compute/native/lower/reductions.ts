// Reductions as C: sums and largest numbers along some dimensions, and the element-wise work that follows each. Results are worked on
// in vectors: columns next to each other are reduced as vectors, others one by one and then gathered into one.
import { type Access, bodyLines } from './body.ts';
import type { Step } from './steps.ts';
import { collapse, type View } from './views.ts';

type Reduce = Extract<Step, { kind: 'reduce' }>;

/** The loops of one step over the rows `first` … `last` − 1 that a thread does. */
export function reductionLines(step: Reduce, address: (view: View) => string): string[] {
  return new Reduction(step, address).lines();
}

/** Loop variables: `i0`, `i1`, … run over the results, `k0`, `k1`, … over what is reduced to each. */
class Reduction {
  readonly #step: Reduce;
  /** What is reduced to one result: neighbours that lie without a gap are one loop. */
  readonly #sizes: readonly number[];
  readonly #strides: readonly number[];
  /** The last dimension of the results, and the C expressions where a thread's share of it begins and ends. */
  readonly #last: number;
  readonly #from: string;
  readonly #to: string;
  /** Loops over the other dimensions of the results. */
  readonly #outer: readonly string[];
  /** Where the numbers of one result begin. */
  readonly #base: string;
  readonly #access: Access;

  constructor(step: Reduce, address: (view: View) => string) {
    this.#step = step;
    const { shape, source } = step;
    const kept = shape.length;
    const inner = collapse([source.shape.slice(kept), source.strides.slice(kept)]);
    this.#sizes = inner.shape;
    this.#strides = inner.strides[0] as number[];
    this.#last = kept - 1;
    [this.#from, this.#to] = kept <= 1 ? ['first', 'last'] : ['0', `${shape[kept - 1]}`];
    this.#outer = shape.slice(0, -1).map((size, at) => {
      const [from, to] = at === 0 ? ['first', 'last'] : ['0', `${size}`];
      return `for (long i${at} = ${from}; i${at} < ${to}; i${at} += 1) {`;
    });
    this.#base = [address(source), ...shape.map((_, at) => `i${at} * ${source.strides[at]}L`)].join(' + ');
    this.#access = {
      pointer: (view) => [address(view), ...view.strides.map((stride, at) => `i${at} * ${stride}L`)].join(' + '),
      stride: (view) => (kept === 0 ? 1 : (view.strides[kept - 1] as number)),
      anchor: 'v',
    };
  }

  lines(): string[] {
    if (this.#last < 0) return this.#toOne();
    const { strides } = this.#step.source;
    return [
      ...this.#outer,
      ...(strides[this.#last] === 1 ? this.#asColumns() : this.#oneByOne()),
      '}'.repeat(this.#outer.length),
    ];
  }

  /** The only result. */
  #toOne(): string[] {
    return [
      'if (first < last) { float results[1]; const int z = 0;',
      `const float *const from = ${this.#base};`,
      ...this.#single(),
      'const vec v = splat(results[0]);',
      ...this.#body('1'),
      '}',
    ];
  }

  /** Columns next to each other: vectors of them, summed row by row. */
  #asColumns(): string[] {
    const [i, to] = [`i${this.#last}`, this.#to];
    // Four vectors at a time: a row is then read by whole cache lines, and four sums are in flight.
    return [
      `long ${i} = ${this.#from};`,
      `while (${i} + 4 * WIDTH <= ${to}) {`,
      ...this.#columns(4, undefined),
      'const vec sums[4] = {s0, s1, s2, s3};',
      `for (int z = 0; z < 4; z += 1, ${i} += WIDTH) {`,
      'const vec v = sums[z];',
      ...this.#body(undefined),
      '} }',
      `for (; ${i} + WIDTH <= ${to}; ${i} += WIDTH) {`,
      ...this.#columns(1, undefined),
      'const vec v = s0;',
      ...this.#body(undefined),
      '}',
      `if (${i} < ${to}) { const int tail = (int)(${to} - ${i});`,
      ...this.#columns(1, 'tail'),
      'const vec v = s0;',
      ...this.#body('tail'),
      '}',
    ];
  }

  /** `s0`, `s1`, …: that many vectors of columns, reduced; `tail` as in `bodyLines`. */
  #columns(vectors: number, tail: string | undefined): string[] {
    const each = Array.from({ length: vectors }, (_, z) => z);
    const at = (z: number): string => `from + ${this.#offset(this.#sizes.length)} + ${z} * WIDTH`;
    const load = (z: number): string => (tail === undefined ? `load(${at(z)})` : `load_tail(${at(z)}, ${tail})`);
    return [
      `const float *const from = ${this.#base};`,
      `vec ${each.map((z) => `s${z} = splat(${this.#start})`).join(', ')};`,
      ...this.#loops(this.#sizes.length),
      ...each.map((z) => this.#combine(`s${z}`, load(z))),
      '}'.repeat(this.#sizes.length),
    ];
  }

  /** Each result by itself, until there is a vector of them. */
  #oneByOne(): string[] {
    const [i, to] = [`i${this.#last}`, this.#to];
    return [
      `for (long ${i} = ${this.#from}; ${i} < ${to}; ${i} += WIDTH) {`,
      `const int count = ${to} - ${i} < WIDTH ? (int)(${to} - ${i}) : WIDTH;`,
      'float results[WIDTH] = {0};',
      'for (int z = 0; z < count; z += 1) {',
      `const float *const from = ${this.#base} + z * ${this.#step.source.strides[this.#last]}L;`,
      ...this.#single(),
      '}',
      'const vec v = load(results);',
      'if (count == WIDTH) {',
      ...this.#body(undefined),
      '} else {',
      ...this.#body('count'),
      '}',
      '}',
    ];
  }

  /** `results[z]`, reduced from what begins at `from`: in vectors where its numbers lie next to each other. */
  #single(): string[] {
    const depth = this.#sizes.length;
    if (depth === 0) return ['results[z] = *from;'];
    if (this.#strides[depth - 1] !== 1)
      return [
        `vec s = splat(${this.#start});`,
        ...this.#loops(depth),
        this.#combine('s', `splat(from[${this.#offset(depth)}])`),
        '}'.repeat(depth),
        'results[z] = s[0];',
      ];
    const length = this.#sizes[depth - 1] as number;
    const isSum = this.#step.reduction === 'sum';
    return [
      `vec s = splat(${this.#start});`,
      ...this.#loops(depth - 1),
      `const float *const run = from + ${this.#offset(depth - 1)}; long k = 0;`,
      `for (; k + WIDTH <= ${length}; k += WIDTH) { ${this.#combine('s', 'load(run + k)')} }`,
      isSum
        ? `if (k < ${length}) s += load_tail(run + k, (int)(${length} - k));`
        : `for (; k < ${length}; k += 1) s = vmax(s, splat(run[k]));`,
      '}'.repeat(depth - 1),
      `results[z] = ${isSum ? 'lane_sum(s)' : 'lane_max(s)'};`,
    ];
  }

  get #start(): string {
    return this.#step.reduction === 'sum' ? '0.0f' : '-HUGE_VALF';
  }

  #combine(into: string, what: string): string {
    return this.#step.reduction === 'sum' ? `${into} += ${what};` : `${into} = vmax(${into}, ${what});`;
  }

  /** Over the first `count` dimensions of what is reduced. */
  #loops(count: number): string[] {
    return this.#sizes.slice(0, count).map((size, at) => `for (long k${at} = 0; k${at} < ${size}; k${at} += 1) {`);
  }

  #offset(count: number): string {
    return ['0', ...this.#strides.slice(0, count).map((stride, at) => `k${at} * ${stride}L`)].join(' + ');
  }

  #body(tail: string | undefined): string[] {
    return bodyLines(this.#step.body, this.#access, tail);
  }
}
