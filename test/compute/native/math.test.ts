// The element-wise functions of a native program, number by number, against the same in float64.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Graph, Node, Op } from '../../../src/compute/graph.ts';
import type { Compiler } from '../../../src/compute/native/compiler.ts';
import { nodeMaker } from '../../../src/compute/nodes.ts';
import { BINARY, UNARY } from '../../../src/compute/reference/ops.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { freshSeed } from '../../support/seed.ts';
import { machineCompiler, openRaw, otherCompiler, skip } from './machine.ts';
import { anyFloats, around, flushed, grid, isDenormal, LARGEST, SMALLEST_NORMAL, SPECIAL, ulp } from './vectors.ts';

/** What is asked of a function: its bound in units in the last place, where the result is a normal number, and why. */
interface Accuracy {
  readonly bound: number;
  readonly because: string;
}

/**
 * Measured at some hundred thousand numbers, as gcc 12 and clang 16 compile them (the worst in brackets), with room for what another
 * compiler may or may not contract to one rounding. 0.5 is a correctly rounded result.
 */
const UNARY_ACCURACY = {
  exp: { bound: 1.5, because: 'a polynomial and two products by powers of two (0.98)' },
  log: { bound: 1.25, because: 'a polynomial and sums from small to large (0.78)' },
  tanh: { bound: 2, because: 'a quotient of two rounded numbers (1.49)' },
  softplus: { bound: 2.25, because: 'an exponential, a logarithm and a sum (1.79)' },
  sigmoid: { bound: 2.5, because: 'an exponential, a sum and a quotient (2.01)' },
  sqrt: { bound: 0.5, because: 'IEEE 754 asks for it' },
  reciprocal: { bound: 0.5, because: 'IEEE 754 asks for it' },
  square: { bound: 0.5, because: 'IEEE 754 asks for it' },
  abs: { bound: 0, because: 'only the sign changes' },
  neg: { bound: 0, because: 'only the sign changes' },
  relu: { bound: 0, because: 'it chooses' },
  step: { bound: 0, because: 'it chooses' },
} as const satisfies Record<string, Accuracy>;

const BINARY_ACCURACY = {
  pow: { bound: 1, because: 'libm (glibc 0.501)' },
  add: { bound: 0.5, because: 'IEEE 754 asks for it' },
  sub: { bound: 0.5, because: 'IEEE 754 asks for it' },
  mul: { bound: 0.5, because: 'IEEE 754 asks for it' },
  div: { bound: 0.5, because: 'IEEE 754 asks for it' },
  minimum: { bound: 0, because: 'it chooses' },
  maximum: { bound: 0, because: 'it chooses' },
  greater: { bound: 0, because: 'it compares' },
  greaterEqual: { bound: 0, because: 'it compares' },
  less: { bound: 0, because: 'it compares' },
  lessEqual: { bound: 0, because: 'it compares' },
  equal: { bound: 0, because: 'it compares' },
  and: { bound: 0, because: 'it compares' },
} as const satisfies Record<string, Accuracy>;

const clip = (min: number, max: number): Case => ({
  op: { kind: 'clip', min, max },
  bound: 0,
  because: 'it chooses',
  exact: (x) => Math.min(Math.max(x, min), max),
});
const CLIPS = {
  'clip(-0.75, 0.75)': clip(-0.75, 0.75),
  'clip(-∞, 1)': clip(Number.NEGATIVE_INFINITY, 1),
  'clip(0, ∞)': clip(0, Number.POSITIVE_INFINITY),
  'clip(2, 2)': clip(2, 2),
};

/** As IEEE 754 and C say, where JavaScript has NaN for 1 to an infinite power or to NaN. */
const power = (x: number, y: number): number =>
  x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;

/** One graph with an output for each function of `x`, or of `x` and `y`, all of `length` numbers. */
function functionsOf(kinds: Readonly<Record<string, Op>>, operands: readonly string[], length: number): Graph {
  const make = nodeMaker();
  const inputs = operands.map((name) => [name, make({ kind: 'input', name }, [], [length])] as const);
  const nodes = inputs.map(([, node]) => node);
  const outputs = Object.entries(kinds).map(([name, op]): [string, Node] => [name, make(op, nodes, [length])]);
  return { inputs: new Map(inputs), state: new Map(), outputs: new Map(outputs) };
}

async function run(graph: Graph, inputs: Readonly<Record<string, readonly number[]>>, compiler: Compiler) {
  const program = await openRaw(graph, compiler);
  for (const [name, values] of Object.entries(inputs)) program.inputs[name]?.set(values);
  program.run();
  const outputs = Object.fromEntries(Object.entries(program.outputs).map(([name, data]) => [name, data.slice()]));
  program.close();
  return outputs;
}

interface Worst {
  readonly error: number;
  readonly at: string;
}

/** The largest error of `actual` in units in the last place of the exact result; infinite where it is another kind of number. */
function worstError(actual: Float32Array, exact: readonly number[], at: (index: number) => string): Worst {
  let worst: Worst = { error: 0, at: '' };
  for (const [index, expected] of exact.entries()) {
    const error = errorOf(actual[index] as number, expected);
    if (error > worst.error) worst = { error, at: `${at(index)} = ${expected}, which was ${actual[index]}` };
  }
  return worst;
}

function errorOf(actual: number, exact: number): number {
  const rounded = Math.fround(exact);
  // Too small to be normal is as good as 0 of either sign; at the border it may have been rounded before it was found too small.
  if (Math.abs(exact) < SMALLEST_NORMAL && Math.abs(actual) <= SMALLEST_NORMAL) return 0;
  if (Number.isNaN(rounded) || !Number.isFinite(exact))
    return Object.is(actual, rounded) ? 0 : Number.POSITIVE_INFINITY;
  if (Number.isNaN(actual)) return Number.POSITIVE_INFINITY;
  // Where an exact result beyond the largest number is rounded to infinity, that is no error; else infinity counts as the number
  // that would follow the largest.
  const limit = 2 ** 128;
  const nearest = Math.max(-limit, Math.min(limit, exact));
  return Math.abs(Math.max(-limit, Math.min(limit, actual)) - nearest) / ulp(Math.min(Math.abs(exact), LARGEST));
}

interface Case extends Accuracy {
  readonly op: Op;
  readonly exact: (x: number, y: number) => number;
}

const casesOf = <K extends string>(
  accuracy: Readonly<Record<K, Accuracy>>,
  exact: Readonly<Record<K, (x: number, y: number) => number>>,
): Record<string, Case> =>
  Object.fromEntries(
    (Object.keys(accuracy) as K[]).map((kind) => [
      kind,
      { ...accuracy[kind], op: { kind } as unknown as Op, exact: exact[kind] },
    ]),
  );

/** Runs every case over the same numbers and says how far each is off at worst. */
async function check(
  context: TestContext,
  cases: Readonly<Record<string, Case>>,
  operands: Readonly<Record<string, readonly number[]>>,
  compiler: Compiler,
): Promise<void> {
  const [x, y] = Object.values(operands) as [readonly number[], readonly number[] | undefined];
  const kinds = Object.fromEntries(Object.entries(cases).map(([name, { op }]) => [name, op]));
  const results = await run(functionsOf(kinds, Object.keys(operands), x.length), operands, compiler);
  const wrong = Object.entries(cases).flatMap(([name, { bound, because, exact }]) => {
    const expected = x.map((value, at) => exact(flushed(value), flushed(y?.[at] ?? 0)));
    const at = (index: number): string => `${name}(${[x[index], y?.[index]].filter((one) => one !== undefined)})`;
    const worst = worstError(results[name] as Float32Array, expected, at);
    context.diagnostic(`${name}: ${worst.error.toFixed(3)} ulp${worst.at && `, ${worst.at}`}`);
    // Float64 rounds too: a tie in float32 is seen a billionth off.
    return worst.error <= bound + 1e-6
      ? []
      : [`${name}: ${worst.error} ulp, more than ${bound} (${because}): ${worst.at}`];
  });
  assert.deepEqual(wrong, []);
}

function declare(what: string, compiler: Compiler | string): void {
  const skipped = typeof compiler === 'string' ? compiler : false;
  test(`${what}: functions of one number are as exact as they say, from the smallest to infinity`, {
    skip: skipped,
  }, async (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const borders = [88.72284, -87.33655, 88, 89, -104, 0.625, 1, Math.SQRT2, Math.SQRT1_2, 2, 0.5, 9, 16, 17, 0.75];
    const x = [
      ...SPECIAL,
      ...around([...borders, ...borders.map((border) => -border)], 40),
      ...grid(-110, 110, 40_000),
      ...grid(-2, 2, 40_000),
      ...grid(0, 1e-3, 5_000),
      ...anyFloats(rng, 60_000),
      ...Array.from({ length: 40_001 }, () => Math.fround(3 * rng.standardNormal())),
    ];
    await check(context, { ...casesOf(UNARY_ACCURACY, UNARY), ...CLIPS }, { x }, compiler as Compiler);
  });

  test(`${what}: functions of two numbers are as exact as they say, and so for all pairs of special numbers`, {
    skip: skipped,
  }, async (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const [random, other] = [anyFloats(rng, 40_000), anyFloats(rng, 40_000)];
    const near = Array.from({ length: 20_001 }, () => Math.fround(2 * rng.standardNormal()));
    const pairs: (readonly [number, number])[] = [
      ...SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const)),
      ...random.map((a, index) => [a, other[index] as number] as const),
      ...near.map((a, index) => [a, near[(7 * index) % near.length] as number] as const),
      // Where powers are used: a positive number, a small power.
      ...near.map((a, index) => [Math.abs(a), Math.fround((index % 41) / 8 - 2)] as const),
    ];
    const operands = (of: typeof pairs) => ({ x: of.map(([a]) => a), y: of.map(([, b]) => b) });
    const { pow, ...others } = casesOf(BINARY_ACCURACY, { ...BINARY, pow: power });
    await check(context, others, operands(pairs), compiler as Compiler);
    // libm looks at bits: to it a denormal number may be one or a zero.
    await check(
      context,
      { pow: pow as Case },
      operands(pairs.filter((pair) => !pair.some(isDenormal))),
      compiler as Compiler,
    );
  });

  test(`${what}: a choice is the chosen number, whatever the other is`, { skip: skipped }, async () => {
    const triples = SPECIAL.flatMap((c) => SPECIAL.flatMap((a) => SPECIAL.map((b) => [c, a, b] as const)));
    const [c, a, b] = [0, 1, 2].map((place) => triples.map((triple) => triple[place as 0]));
    const make = nodeMaker();
    const leaf = (name: string): Node => make({ kind: 'input', name }, [], [triples.length]);
    const [condition, yes, no] = [leaf('condition'), leaf('yes'), leaf('no')];
    const truth = make({ kind: 'greater' }, [condition, yes], condition.shape, 'bool');
    const chosen = make({ kind: 'select' }, [truth, yes, no], condition.shape);
    const cast = make(
      { kind: 'cast' },
      [make({ kind: 'cast' }, [condition], condition.shape, 'bool')],
      condition.shape,
    );
    const { y, bits } = await run(
      {
        inputs: new Map([condition, yes, no].map((node, index) => [['condition', 'yes', 'no'][index] as string, node])),
        state: new Map(),
        outputs: new Map([
          ['y', chosen],
          ['bits', cast],
        ]),
      },
      { condition: c as number[], yes: a as number[], no: b as number[] },
      compiler as Compiler,
    );
    assert.equal(triples.length, SPECIAL.length ** 3);
    for (const [index, triple] of triples.entries()) {
      const [first, second, third] = triple.map(flushed) as [number, number, number];
      assert.ok(
        errorOf(y?.[index] as number, first > second ? second : third) === 0,
        `(${triple}) chose ${y?.[index]}`,
      );
      assert.equal(bits?.[index], first !== 0 ? 1 : 0, `${triple[0]} as a truth value`);
    }
  });
}

declare('this processor', skip === false ? machineCompiler() : skip);
// Four numbers a vector, square roots one by one, and no a·b + c in one rounding.
const oldest =
  skip === false && process.arch === 'x64' ? otherCompiler(machineCompiler().command, ['-march=x86-64-v2']) : skip;
declare('x86-64-v2', (await oldest) || 'this is no x86-64.');
