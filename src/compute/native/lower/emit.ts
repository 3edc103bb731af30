// A plan as C: one function a phase, one block a step with the graph's ops in a comment. Shapes, strides and places are constants.
import type { Arena } from './arena.ts';
import { bodyLines, bodyViews } from './body.ts';
import { reductionLines } from './reductions.ts';
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
        return reductionLines(step, (view) => this.#address(view));
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
}
