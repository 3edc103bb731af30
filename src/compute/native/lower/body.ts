// Element-wise work as C: a few lines on vectors, in which loads and stores are what the loop around them says.
import type { Op } from '../../graph.ts';
import { isHeavy } from './groups.ts';
import { type Body, loads, type Operand } from './steps.ts';
import type { View } from './views.ts';

/** How the loop reaches the elements of a view: a pointer to the vector's first number, and how far apart the numbers lie. */
export interface Access {
  readonly pointer: (view: View) => string;
  /** Stride along the vector. */
  readonly stride: (view: View) => number;
  /** The anchor's result, a vector. */
  readonly anchor?: string;
}

/** `tail` is a C expression for how many numbers the vector has, or undefined where it is full. */
export function bodyLines(body: Body, access: Access, tail: string | undefined): string[] {
  const lines: string[] = [];
  const loaded = new Map<string, string>();
  const load = (view: View): string => {
    const text = loadOf(access.pointer(view), access.stride(view), tail);
    const known = loaded.get(text);
    if (known !== undefined) return known;
    const name = `l${loaded.size}`;
    loaded.set(text, name);
    lines.push(`const vec ${name} = ${text};`);
    return name;
  };
  const value = (operand: Operand): string => {
    switch (operand.kind) {
      case 'anchor':
        return access.anchor as string;
      case 'value':
        return `x${operand.index}`;
      case 'load':
        return load(operand.view);
      case 'number':
        return `splat(${floatLiteral(operand.value)})`;
      default:
        operand satisfies never;
        throw new TypeError(`Unknown operand ${JSON.stringify(operand)}.`);
    }
  };
  for (const [index, { op, operands }] of body.expressions.entries())
    lines.push(`const vec x${index} = ${expression(op, operands.map(value))};`);
  // After every load: a store may be to where another element-wise node of the step reads its old value.
  const stores = body.stores.map((store) => [value(store.value), store] as const);
  for (const [text, { view, flag }] of stores) {
    lines.push(storeOf(access.pointer(view), access.stride(view), text, tail));
    if (flag !== undefined) lines.push(`watch(${access.pointer(flag)}, ${text}, ${tail ?? 'WIDTH'});`);
  }
  return lines;
}

/** Whether the body has a function of many instructions: its loop is then not unrolled. */
export const isHeavyBody = ({ expressions }: Body): boolean => expressions.some(({ op }) => isHeavy(op));

/** Views that the body reads and writes. */
export const bodyViews = (body: Body): View[] => [
  ...loads(body),
  ...body.stores.flatMap(({ view, flag }) => (flag === undefined ? [view] : [view, flag])),
];

function loadOf(pointer: string, stride: number, tail: string | undefined): string {
  if (stride === 0) return `splat(*(${pointer}))`;
  if (stride !== 1) return `gather(${pointer}, ${stride}, ${tail ?? 'WIDTH'})`;
  return tail === undefined ? `load(${pointer})` : `load_tail(${pointer}, ${tail})`;
}

function storeOf(pointer: string, stride: number, value: string, tail: string | undefined): string {
  if (stride !== 1) return `scatter(${pointer}, ${stride}, ${value}, ${tail ?? 'WIDTH'});`;
  return tail === undefined ? `store(${pointer}, ${value});` : `store_tail(${pointer}, ${value}, ${tail});`;
}

function expression(op: Op, [a = '', b = '', c = '']: readonly string[]): string {
  switch (op.kind) {
    case 'neg':
      return `-${a}`;
    case 'add':
      return `${a} + ${b}`;
    case 'sub':
      return `${a} - ${b}`;
    case 'mul':
      return `${a} * ${b}`;
    case 'div':
      return `${a} / ${b}`;
    case 'square':
      return `${a} * ${a}`;
    case 'reciprocal':
      return `splat(1.0f) / ${a}`;
    case 'minimum':
      return `vmin(${a}, ${b})`;
    case 'maximum':
      return `vmax(${a}, ${b})`;
    case 'clip':
      return `vclip(${a}, splat(${floatLiteral(op.min)}), splat(${floatLiteral(op.max)}))`;
    case 'greaterEqual':
      return `vgreater_equal(${a}, ${b})`;
    case 'lessEqual':
      return `vless_equal(${a}, ${b})`;
    case 'cast':
      // To bool; a cast to float32 changes nothing, since booleans are kept as 0 and 1.
      return `vbool(${a})`;
    case 'select':
      return `vselect(${a}, ${b}, ${c})`;
    case 'abs':
    case 'exp':
    case 'log':
    case 'sqrt':
    case 'tanh':
    case 'sigmoid':
    case 'softplus':
    case 'relu':
    case 'step':
      return `v${op.kind}(${a})`;
    case 'pow':
    case 'greater':
    case 'less':
    case 'equal':
    case 'and':
      return `v${op.kind}(${a}, ${b})`;
    default:
      throw new TypeError(`${op.kind} is not element-wise.`);
  }
}

/** A float32 as C, to the last bit. */
function floatLiteral(value: number): string {
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return '__builtin_nanf("")';
  if (!Number.isFinite(rounded)) return rounded > 0 ? 'HUGE_VALF' : '-HUGE_VALF';
  // Nine digits tell any two floats apart.
  const text = rounded.toPrecision(9);
  return Object.is(rounded, -0) ? '-0.0f' : `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}
