// The same programs for narrower processors than this one, and by other compilers: each width of vectors has code of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Compiler } from '../../../src/compute/native/compiler.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { type Case, movements, plainCase, products, RAGGED, sacCase } from './cases.ts';
import { machineCompiler, openRaw, otherCompiler, skip } from './machine.ts';
import { randomGraph } from './random-graph.ts';
import { assertFollowsReference } from './reference-updates.ts';

/** Levels of x86-64, how wide their vectors are, and what /proc/cpuinfo calls what they need. */
const LEVELS = [
  { flag: '-march=x86-64-v2', width: 4, needs: ['sse4_2'] },
  { flag: '-march=x86-64-v3', width: 8, needs: ['avx2', 'fma', 'bmi2'] },
  { flag: '-march=x86-64-v4', width: 16, needs: ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'] },
] as const;

const CASES: readonly (readonly [string, () => Case])[] = [
  ['a SAC update', () => sacCase(RAGGED)],
  ['products', products],
  ['movements', movements],
  // Of one seed, so that they are compiled once; simulate.test.ts draws fresh ones.
  ...[1, 2].map((seed) => [`graph ${seed}`, () => plainCase(randomGraph(Pcg64.fromSeed(seed), 40))] as const),
];

function features(): ReadonlySet<string> {
  try {
    return new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' '));
  } catch {
    return new Set();
  }
}

function declare(what: string, found: Compiler | string, width?: number): void {
  const skipped = typeof found === 'string' ? found : skip;
  for (const [name, make] of CASES) {
    test(`${what}: ${name} follows the reference`, { skip: skipped }, async () => {
      const compiler = found as Compiler;
      if (width !== undefined) assert.equal(compiler.target.width, width);
      const one = make();
      const program = await openRaw(one.graph, compiler);
      assertFollowsReference(program, one, 3);
      program.close();
    });
  }
}

const own = skip === false ? machineCompiler().command : 'cc';
const available = features();
for (const { flag, width, needs } of LEVELS) {
  const missing = needs.filter((feature) => !available.has(feature));
  const lacks = process.arch === 'x64' ? `this processor lacks ${missing}.` : `this is ${process.arch}.`;
  declare(`${own} ${flag}`, missing.length > 0 ? lacks : await otherCompiler(own, [flag]), width);
}
declare('clang', await otherCompiler('clang', ['-march=native']));
