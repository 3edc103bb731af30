// The C of native programs as executables, watched by the compiler's sanitizers: no access beyond the arena or an array of the
// runtime, nothing undefined, no race. Memory is NaN at first: what no one wrote, no one may use.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Compiler } from '../../../src/compute/native/compiler.ts';
import { arraysIn, type Lowered } from '../../../src/compute/native/lower/lower.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { assertClose } from '../support.ts';
import { type Case, movements, plainCase, products, RAGGED, sacCase, TINY } from './cases.ts';
import { buildFolder, lowered, machineCompiler, openRaw, otherCompiler, skip, steadySource } from './machine.ts';
import { randomGraph } from './random-graph.ts';

const CALLS = 3;
/** Another optimisation level may contract another a·b + c: two roundings of float32 apart, through three updates. */
const ROUNDING = { absolute: 1e-5, relative: 1e-5 };

/** The executable of `source`, kept beside the compiled programs. Throws with the compiler's message. */
function build(source: string, { command, flags, identity }: Compiler, sanitizer: readonly string[]): string {
  const all = [...flags.filter((flag) => flag !== '-O2'), '-O1', '-g', '-fno-sanitize-recover=all', ...sanitizer];
  const key = createHash('sha256')
    .update(JSON.stringify([identity, all, source]))
    .digest('hex');
  const path = join(buildFolder('sanitized'), key);
  if (existsSync(path)) return path;
  writeFileSync(`${path}.c`, source);
  execFileSync(command, [...all, `${path}.c`, '-o', `${path}.${process.pid}`, '-lm'], { stdio: 'pipe' });
  renameSync(`${path}.${process.pid}`, path);
  return path;
}

/** Memory before the first call: NaN but for constants, inputs and state. */
function startOf(made: Lowered, one: Case): Float32Array {
  const arena = new Float32Array(made.arena.size).fill(Number.NaN);
  const { inputs, state } = arraysIn(arena, made);
  const rng = Pcg64.fromSeed(21);
  for (const [name, values] of Object.entries(one.inputs(rng))) inputs[name]?.set(values);
  for (const [name, values] of Object.entries(one.state(rng))) state[name]?.set(values);
  return arena;
}

/** Memory after the calls; throws with what the sanitizer says. */
function execute(program: string, threads: number, arena: Float32Array): Float32Array {
  const folder = temporaryFolder();
  const [before, after] = [join(folder, 'in'), join(folder, 'out')];
  writeFileSync(before, arena);
  execFileSync(program, [`${threads}`, `${CALLS}`, before, after], {
    stdio: 'pipe',
    timeout: 120_000,
    env: { ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1', TSAN_OPTIONS: 'halt_on_error=1' },
  });
  const bytes = readFileSync(after);
  return new Float32Array(bytes.buffer, bytes.byteOffset, arena.length);
}

async function check(one: Case, compiler: Compiler, sanitizer: readonly string[], teams: readonly number[]) {
  const made = lowered(one.graph, compiler);
  const program = build(steadySource(made, compiler, 'standalone'), compiler, sanitizer);
  const start = startOf(made, one);
  const addon = await openRaw(one.graph, compiler);
  addon.arena.set(start);
  addon.set({}, {});
  for (let call = 0; call < CALLS; call += 1) addon.run();
  for (const threads of teams) {
    const arena = execute(program, threads, start);
    const results = arraysIn(arena, made);
    for (const part of ['outputs', 'state'] as const)
      for (const [name, values] of Object.entries(results[part])) {
        assert.ok(!values.some(Number.isNaN), `${name} has NaN in it`);
        assertClose(values, addon[part][name] as Float32Array, ROUNDING, `${name} by ${threads} threads`);
      }
    assertGapsUntouched(arena, made);
  }
  addon.close();
}

/** Buffers begin on cache lines: what lies between two belongs to no one, and no sanitizer watches it. */
function assertGapsUntouched(arena: Float32Array, { steps, arena: layout }: Lowered): void {
  const buffers = [
    ...steps.inputs.values(),
    ...steps.outputs.values(),
    ...steps.state.values(),
    ...steps.constants.keys(),
  ];
  let gaps = 0;
  for (const buffer of buffers) {
    for (let at = layout.place(buffer) + buffer.size; at % 16 !== 0; at += 1) {
      gaps += 1;
      assert.ok(Number.isNaN(arena[at]), `float ${at}, behind a buffer of ${buffer.size} floats, was written`);
    }
  }
  assert.ok(gaps > 0);
}

const CASES: readonly (readonly [string, () => Case])[] = [
  ['a ragged SAC update', () => sacCase(RAGGED)],
  ['products', products],
  ['movements', movements],
  ['a graph drawn at random', () => plainCase(randomGraph(Pcg64.fromSeed(3), 40))],
];

/** Why the executables of a sanitizer do not work here, or false. */
function missing(sanitizer: readonly string[]): string | false {
  if (skip !== false) return skip;
  try {
    const source = '#include <stdlib.h>\nint main(void) { return abs(0); }\n';
    execFileSync(build(source, machineCompiler(), sanitizer), { stdio: 'pipe' });
    return false;
  } catch (thrown) {
    return `${sanitizer} does not work here: ${(thrown as Error).message.split('\n')[1]}`;
  }
}

const ADDRESS = ['-fsanitize=address,undefined'];
const THREAD = ['-fsanitize=thread'];

test('the sanitizers see a read beyond the arena', { skip: missing(ADDRESS) }, async () => {
  const compiler = machineCompiler();
  const one = sacCase(TINY);
  const made = lowered(one.graph, compiler);
  const source = steadySource(made, compiler, 'standalone').replace(
    /static void phase_0\(.*\n/,
    '$&  arena[0] += arena[ARENA_FLOATS + 16 * 64];\n',
  );
  assert.throws(() => execute(build(source, compiler, ADDRESS), 1, startOf(made, one)), /heap-buffer-overflow/);
});

for (const [name, make] of CASES) {
  test(`${name} touches nothing that is not its own and does nothing undefined`, { skip: missing(ADDRESS) }, () =>
    check(make(), machineCompiler(), ADDRESS, [1, 3]),
  );
}

// The other way to load and store the last numbers of a row, and other tiles.
const narrow =
  process.arch === 'x64'
    ? await otherCompiler(skip ? 'cc' : machineCompiler().command, ['-march=x86-64-v3'])
    : 'this is no x86-64.';
for (const [name, make] of CASES.slice(1, 3)) {
  test(
    `${name} with vectors of 8 numbers does so too`,
    { skip: typeof narrow === 'string' ? narrow : missing(ADDRESS) },
    () => check(make(), narrow as Compiler, ADDRESS, [3]),
  );
}

test('the sanitizers see a race where a barrier is missing', { skip: missing(THREAD) }, async () => {
  const compiler = machineCompiler();
  const one = sacCase(RAGGED);
  const made = lowered(one.graph, compiler);
  const source = steadySource(made, compiler, 'standalone');
  const [barrier, ...others] = source.match(/^ {2}barrier\(.*\);\n/gm) as string[];
  assert.ok(others.length > 0);
  const without = source.replaceAll(barrier as string, '');
  assert.throws(() => execute(build(without, compiler, THREAD), 3, startOf(made, one)), /data race/);
});

for (const [name, make] of CASES.slice(0, 3)) {
  test(`the threads of ${name} do not race`, { skip: missing(THREAD) }, () =>
    check(make(), machineCompiler(), THREAD, [3]),
  );
}
