// A plan as C: one function a phase, one block a step with the graph's ops in a comment. Shapes, strides and places are constants.
import type { Arena } from './arena.ts';
import { bodyLines, bodyViews } from './body.ts';
import { BLOCK, type Plan, sharedRows, sharing } from './schedule.ts';
import type { Step } from './steps.ts';
import { type Target, Tiles } from './tiles.ts';
import { collapse, type View } from './views.ts';

/** The program without its runtime: tiles, phases, `update` and `prepare`. */
export function emit(plan: Plan, arena: Arena, target: Target): string {
  const writer = new Writer(arena, target);
  const phases = plan.phases.map((steps, index) => writer.phase(`phase_${index}`, steps));
  const prepare = writer.phase('prepare_state', plan.prepare);
  const calls = plan.phases.map((_, index) => `  phase_${index}(arena, thread, team->active);`);
  return [
    `#define ARENA_FLOATS ${arena.size}L`,
    ...writer.tiles.functions(),
    ...phases,
    prepare,
    'static void update(float *const arena, struct team *team, int thread) {',
    calls.join('\n  barrier(team, thread);\n'),
    '}',
    'static void prepare(float *const arena, struct team *team, int thread) { prepare_state(arena, thread, team->active); }',
    '',
  ].join('\n');
}

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

class Writer {
  readonly tiles: Tiles;
  readonly #arena: Arena;
  #steps = 0;

  constructor(arena: Arena, target: Target) {
    this.#arena = arena;
    this.tiles = new Tiles(target, (view) => this.#address(view));
  }

  phase(name: string, steps: readonly Step[]): string {
    const blocks = steps.map((step) => this.#step(step, name));
    return `static void ${name}(float *const arena, const int thread, const int threads) {\n${blocks.join('\n')}\n}\n`;
  }

  #address({ buffer, offset }: View): string {
    return `(arena + ${this.#arena.place(buffer) + offset})`;
  }

  #step(step: Step, phase: string): string {
    const inner = step.kind === 'product' || step.kind === 'dots' ? ` · ${step.inner}` : '';
    const what = `${step.label} [${step.shape}]${inner}`;
    this.#steps += 1;
    return [
      `  { // ${what}`,
      '  STEP_BEGIN()',
      ...this.#open(step),
      ...this.#lines(step),
      `  STEP_END(${this.#steps}, "${phase} ${sharing(step)} ${what}")`,
      '  }',
    ].join('\n');
  }

  /** The rows that this thread does: `first` … `last` − 1. */
  #open(step: Step): string[] {
    const rows = sharedRows(step);
    switch (sharing(step)) {
      case 'rows':
        return [
          `const int blocks = ${Math.ceil(rows / BLOCK)};`,
          `const int first = (int)((long)blocks * thread / threads) * ${BLOCK};`,
          `const int end = (int)((long)blocks * (thread + 1) / threads) * ${BLOCK};`,
          `const int last = end < ${rows} ? end : ${rows};`,
          '(void)first, (void)last;',
        ];
      case 'solo':
        return [`const int first = 0, last = thread == 0 ? ${rows} : 0;`];
      case 'columns':
        return [];
      default:
        throw new TypeError('Unknown sharing.');
    }
  }

  #lines(step: Step): string[] {
    switch (step.kind) {
      case 'map':
        return this.#map(step);
      case 'product':
        return this.tiles.product(step, sharing(step) === 'rows');
      case 'dots':
        return this.#dots(step);
      case 'reduce':
        return this.#reduce(step);
      case 'transpose': {
        const [rows, columns] = step.source.shape as readonly [number, number];
        const to = (step.body.stores[0] as { readonly view: View }).view;
        const from = `${this.#address(step.source)}, ${step.source.strides[0]}`;
        return [`transpose(${from}, ${this.#address(to)}, ${rows}, first, last, ${columns});`];
      }
      default:
        step satisfies never;
        return [];
    }
  }

  /** Loops over all dimensions, the last in vectors; neighbours that every view runs through without a gap are one loop. */
  #map({ shape, body }: StepOf<'map'>): string[] {
    const views = bodyViews(body);
    const nest = collapse([shape, ...views.map(({ strides }) => strides)]);
    const depth = nest.shape.length;
    const strides = new Map(views.map((view, index) => [view, nest.strides[index] as number[]] as const));
    const rows = shape[0] ?? 1;
    // The outermost loop still begins and ends with rows of the step.
    const factor = (nest.shape[0] ?? 1) / rows;
    const pointer = (view: View): string => {
      const steps = strides.get(view) as number[];
      const terms = steps.flatMap((stride, at) => (stride === 0 ? [] : [`i${at} * ${stride}L`]));
      return [this.#address(view), ...terms].join(' + ');
    };
    const stride = (view: View): number => strides.get(view)?.[depth - 1] ?? 0;
    if (depth === 0) return [`if (first < last) {`, ...bodyLines(body, { pointer, stride: () => 1 }, '1'), '}'];
    const lines: string[] = [];
    for (let at = 0; at < depth - 1; at += 1) lines.push(this.#loop(at, nest.shape, factor));
    const innermost = depth - 1;
    const [from, to] =
      innermost === 0 ? [`first * ${factor}L`, `last * ${factor}L`] : ['0', `${nest.shape[innermost]}`];
    lines.push(`long i${innermost} = ${from};`);
    lines.push(`for (; i${innermost} + WIDTH <= ${to}; i${innermost} += WIDTH) {`);
    lines.push(...bodyLines(body, { pointer, stride }, undefined), '}');
    lines.push(`if (i${innermost} < ${to}) { const int tail = (int)(${to} - i${innermost});`);
    lines.push(...bodyLines(body, { pointer, stride }, 'tail'), '}');
    lines.push('}'.repeat(depth - 1));
    return lines;
  }

  #loop(at: number, shape: readonly number[], factor: number): string {
    const [from, to] = at === 0 ? [`first * ${factor}L`, `last * ${factor}L`] : ['0', `${shape[at]}`];
    return `for (long i${at} = ${from}; i${at} < ${to}; i${at} += 1) {`;
  }

  /** A result is a dot product; with one column, a vector of them is worked on at once. */
  #dots({ shape, inner, a, b, body }: StepOf<'dots'>): string[] {
    const columns = shape[1] as number;
    const row = (r: string): string => `${this.#address(a)} + (${r}) * ${a.strides[0]}L`;
    if (columns > 1) {
      const target = (body.stores[0] as { readonly view: View }).view;
      const [down, along] = target.strides as readonly [number, number];
      return [
        'for (long r = first; r < last; r += 1) {',
        `  const float *const x = ${row('r')};`,
        `  float *const y = ${this.#address(target)} + r * ${down};`,
        ...Array.from({ length: columns }, (_, column) => {
          const other = `${this.#address(b)} + ${column * (b.strides[0] as number)}`;
          return `  y[${column * along}] = dot(x, ${other}, ${inner});`;
        }),
        '}',
      ];
    }
    const access = {
      pointer: (view: View) => `${this.#address(view)} + r * ${view.strides[0]}L`,
      stride: (view: View) => view.strides[0] as number,
      anchor: 'v',
    };
    return [
      'for (long r = first; r < last; r += WIDTH) {',
      '  const int count = last - r < WIDTH ? (int)(last - r) : WIDTH;',
      '  float results[WIDTH] = {0};',
      `  for (int i = 0; i < count; i += 1) results[i] = dot(${row('r + i')}, ${this.#address(b)}, ${inner});`,
      '  const vec v = load(results);',
      '  if (count == WIDTH) {',
      ...bodyLines(body, access, undefined),
      '  } else {',
      ...bodyLines(body, access, 'count'),
      '  }',
      '}',
    ];
  }

  #reduce(step: StepOf<'reduce'>): string[] {
    const { shape, source, body, reduction } = step;
    const kept = shape.length;
    const inner = collapse([source.shape.slice(kept), source.strides.slice(kept)]);
    const sizes = inner.shape;
    const steps = inner.strides[0] as number[];
    const start = reduction === 'sum' ? '0.0f' : '-HUGE_VALF';
    const combine = (into: string, what: string): string =>
      reduction === 'sum' ? `${into} += ${what};` : `${into} = vmax(${into}, ${what});`;
    const loops = (from: number, to: number): string[] =>
      sizes
        .slice(from, to)
        .map((size, at) => `for (long k${from + at} = 0; k${from + at} < ${size}; k${from + at} += 1) {`);
    const offset = (count: number): string =>
      ['0', ...steps.slice(0, count).map((stride, at) => `k${at} * ${stride}L`)].join(' + ');
    const last = kept - 1;
    const access = {
      pointer: (view: View) =>
        [this.#address(view), ...view.strides.map((stride, at) => `i${at} * ${stride}L`)].join(' + '),
      stride: (view: View) => (kept === 0 ? 1 : (view.strides[last] as number)),
      anchor: 'v',
    };
    const base = [this.#address(source), ...shape.map((_, at) => `i${at} * ${source.strides[at]}L`)].join(' + ');
    const outer = shape.slice(0, -1).map((size, at) => {
      const [from, to] = at === 0 ? ['first', 'last'] : ['0', `${size}`];
      return `for (long i${at} = ${from}; i${at} < ${to}; i${at} += 1) {`;
    });
    const [from, to] = kept <= 1 ? ['first', 'last'] : ['0', `${shape[last]}`];

    if (kept > 0 && source.strides[last] === 1) {
      // Columns next to each other: vectors of them, summed row by row.
      const sum = (vectors: number, count: string | undefined): string[] => {
        const at = (z: number): string => `from + ${offset(sizes.length)} + ${z} * WIDTH`;
        const each = Array.from({ length: vectors }, (_, z) => z);
        return [
          `const float *const from = ${base};`,
          `vec ${each.map((z) => `s${z} = splat(${start})`).join(', ')};`,
          ...loops(0, sizes.length),
          ...each.map((z) =>
            combine(`s${z}`, count === undefined ? `load(${at(z)})` : `load_tail(${at(z)}, ${count})`),
          ),
          '}'.repeat(sizes.length),
        ];
      };
      // Four vectors at a time: a row is then read by whole cache lines, and four sums are in flight.
      return [
        ...outer,
        `long i${last} = ${from};`,
        `while (i${last} + 4 * WIDTH <= ${to}) {`,
        ...sum(4, undefined),
        'const vec sums[4] = {s0, s1, s2, s3};',
        `for (int z = 0; z < 4; z += 1, i${last} += WIDTH) {`,
        'const vec v = sums[z];',
        ...bodyLines(body, access, undefined),
        '} }',
        `for (; i${last} + WIDTH <= ${to}; i${last} += WIDTH) {`,
        ...sum(1, undefined),
        'const vec v = s0;',
        ...bodyLines(body, access, undefined),
        '}',
        `if (i${last} < ${to}) { const int tail = (int)(${to} - i${last});`,
        ...sum(1, 'tail'),
        'const vec v = s0;',
        ...bodyLines(body, access, 'tail'),
        '}',
        '}'.repeat(outer.length),
      ];
    }
    // Each result by itself: along its numbers in vectors where they lie next to each other.
    const along = steps[sizes.length - 1] === 1;
    const length = sizes[sizes.length - 1] ?? 1;
    const single =
      sizes.length === 0
        ? ['results[z] = *from;']
        : along
          ? [
              `vec s = splat(${start});`,
              ...loops(0, sizes.length - 1),
              `const float *const run = from + ${offset(sizes.length - 1)}; long k = 0;`,
              `for (; k + WIDTH <= ${length}; k += WIDTH) { ${combine('s', 'load(run + k)')} }`,
              ...(reduction === 'sum'
                ? [`if (k < ${length}) s += load_tail(run + k, (int)(${length} - k));`]
                : [`for (; k < ${length}; k += 1) s = vmax(s, splat(run[k]));`]),
              '}'.repeat(sizes.length - 1),
              `results[z] = ${reduction === 'sum' ? 'lane_sum(s)' : 'lane_max(s)'};`,
            ]
          : [
              `vec s = splat(${start});`,
              ...loops(0, sizes.length),
              combine('s', `splat(from[${offset(sizes.length)}])`),
              '}'.repeat(sizes.length),
              'results[z] = s[0];',
            ];
    if (kept === 0) {
      return [
        'if (first < last) { float results[1]; const int z = 0;',
        `const float *const from = ${base};`,
        ...single,
        'const vec v = splat(results[0]);',
        ...bodyLines(body, access, '1'),
        '}',
      ];
    }
    return [
      ...outer,
      `for (long i${last} = ${from}; i${last} < ${to}; i${last} += WIDTH) {`,
      `const int count = ${to} - i${last} < WIDTH ? (int)(${to} - i${last}) : WIDTH;`,
      'float results[WIDTH] = {0};',
      'for (int z = 0; z < count; z += 1) {',
      `const float *const from = ${base} + z * ${source.strides[last]}L;`,
      ...single,
      '}',
      'const vec v = load(results);',
      'if (count == WIDTH) {',
      ...bodyLines(body, access, undefined),
      '} else {',
      ...bodyLines(body, access, 'count'),
      '}',
      '}',
      '}'.repeat(outer.length),
    ];
  }
}
