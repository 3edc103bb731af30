// Where the time of an update goes on the native engine: the least time of each step in many calls, on the first thread.
// node dist/bench/profile.js [--json] [--threads 1] [--calls 500] [--hidden 256,256] [--batch 256] [--variant v2|v1|TD3|DDPG|PPO]
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFlags } from '../scripts/flags.ts';
import type { Graph } from '../src/compute/graph.ts';
import { findCompiler } from '../src/compute/native/compiler.ts';
import { wholeProgram } from '../src/compute/native/engine.ts';
import { arraysIn, lower } from '../src/compute/native/lower/lower.ts';
import { optimize } from '../src/compute/passes/optimize.ts';
import { loadConfig } from '../src/config.ts';
import { fill, graphOf, round, UPDATE_OPTIONS } from './updates.ts';

/** One line of `--json`. */
interface StepTime {
  readonly variant: string;
  readonly threads: number;
  /** Between two barriers. */
  readonly phase: string;
  /** How the threads share it: `rows`, `columns`, or `solo`, the first alone. */
  readonly sharing: string;
  /** The graph's operations, the shape of the result and, of a product, the inner dimension. */
  readonly step: string;
  readonly us: number;
  /** Of the sum over all steps. */
  readonly share: number;
  /** Of a product, by all threads; null of other steps. */
  readonly gflops: number | null;
}

const execute = promisify(execFile);

const values = readFlags({
  json: { type: 'boolean', default: false },
  threads: { type: 'string', default: '1' },
  calls: { type: 'string', default: '500' },
  ...UPDATE_OPTIONS,
});
const report = await profile(graphOf(values), values.threads, values.calls);
const total = report.reduce((sum, { ns }) => sum + ns, 0);
const times = report
  .toSorted((a, b) => b.ns - a.ns)
  .map(({ name, ns }) => timeOf(name, ns, { variant: values.variant, threads: Number(values.threads) }));
for (const time of times) console.log(values.json ? JSON.stringify(time) : describe(time));
if (!values.json) console.log(`${(total / 1e6).toFixed(2)} ms in ${times.length} steps`);

/** The steps of an update, called what emit.ts calls them: `phase_0 rows matmul add relu [256,256] · 23`. */
async function profile(graph: Graph, threads: string, calls: string): Promise<{ name: string; ns: number }[]> {
  const { compiler } = loadConfig([]).engines;
  const { command, flags, target } = await findCompiler(compiler === 'auto' ? undefined : [compiler]);
  const lowered = lower(optimize(graph), target);
  const arena = new Float32Array(lowered.arena.size);
  fill(arraysIn(arena, lowered));
  const folder = await mkdtemp(join(tmpdir(), 'gymserve-profile-'));
  const [source, program, before, after] = ['program.c', 'program', 'before', 'after'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  try {
    await writeFile(source, wholeProgram(lowered, target.width, 'standalone'));
    await writeFile(before, arena);
    await execute(command, [...flags, '-DPROFILE', source, '-o', program, '-lm']);
    const { stdout } = await execute(program, [threads, calls, before, after]);
    const lines = stdout.trim().split('\n');
    return lines
      .map((line) => line.split('\t') as [string, string])
      .flatMap(([ns, name]) => (name.startsWith('phase_') ? [{ name, ns: Number(ns) }] : []));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function timeOf(name: string, ns: number, about: Pick<StepTime, 'variant' | 'threads'>): StepTime {
  const [phase = '', sharing = '', ...step] = name.split(' ');
  const sizes = / \[(\d+),(\d+)\] · (\d+)$/.exec(name);
  const flops = sizes?.slice(1).reduce((product, size) => product * Number(size), 2);
  return {
    ...about,
    phase,
    sharing,
    step: step.join(' '),
    us: round(ns / 1e3),
    share: round(ns / total),
    gflops: flops === undefined ? null : round(flops / ns),
  };
}

function describe({ us, share, gflops, phase, sharing, step }: StepTime): string {
  return [
    `${us.toFixed(1).padStart(8)} µs`,
    `${(100 * share).toFixed(1).padStart(5)} %`,
    gflops === null ? ' '.repeat(12) : `${gflops.toFixed(0).padStart(4)} GFLOP/s`,
    `${phase.padEnd(9)} ${sharing.padEnd(7)} ${step}`,
  ].join('  ');
}
