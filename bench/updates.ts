// How fast a SAC update runs, by engine and threads, beside the matrix products it is made of.
// node dist/bench/updates.js [--json] [--engine E] [--threads N] [--hidden 256,256] [--batch 256] [--variant v2|v1|TD3|DDPG|PPO]
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { readFlags } from '../scripts/flags.ts';
import type { Engine, Program } from '../src/compute/engine.ts';
import { Engines } from '../src/compute/engines.ts';
import type { Graph, Node } from '../src/compute/graph.ts';
import { findCompiler } from '../src/compute/native/compiler.ts';
import { wholeProgram } from '../src/compute/native/engine.ts';
import { openLibrary } from '../src/compute/native/library.ts';
import { matmulFlops, nodeMaker, topological } from '../src/compute/nodes.ts';
import { optimize } from '../src/compute/passes/optimize.ts';
import { trace } from '../src/compute/trace/trace.ts';
import { loadConfig } from '../src/config.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { updateOf } from '../test/compute/programs/program.ts';
import { PROGRAMS } from '../test/compute/programs/programs.ts';
import { sacUpdate, spacesOf } from '../test/support/sac-graph.ts';

/** HalfCheetah-v5's. */
const [OBSERVATION, ACTION] = [17, 6];
const BLOCKS = 21;
const BLOCK_MS = 150;

/** One line of `--json`. Times are medians of blocks; products and updates take turns, so that both see the same machine. */
export interface UpdateTiming {
  readonly engine: string;
  readonly threads: number;
  readonly variant: string;
  readonly updates_per_s: number;
  readonly ms_per_update: number;
  /** The same matrix products, with nothing between them. */
  readonly gemm_ms_per_update: number;
  readonly ratio_to_gemm: number;
  /**
   * The products' floating-point operations over the time, as a share of what the same threads reach in registers alone, by turns
   * with the updates; null where no compiler is known.
   */
  readonly peak_fraction: number | null;
}

export async function main(argv: readonly string[]): Promise<void> {
  const values = readFlags(
    {
      json: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'auto' },
      threads: { type: 'string' },
      ...UPDATE_OPTIONS,
    },
    argv,
  );
  const settings = loadConfig([]).engines;
  const engine = await new Engines(settings).find(values.engine);
  const graph = graphOf(values);
  for (const threads of values.threads === undefined ? [1, 2] : [Number(values.threads)]) {
    const timing = await measure(engine, { variant: values.variant, graph }, threads, settings.compiler);
    console.log(values.json ? JSON.stringify(timing) : describe(timing, matmulFlops(optimize(graph))));
  }
}

/** Which update. */
export const UPDATE_OPTIONS = {
  hidden: { type: 'string', default: '256,256' },
  batch: { type: 'string', default: '256' },
  variant: { type: 'string', default: 'v2' },
} as const;

/** Updates that the conformance tests hold every engine to, beside the two forms of SAC that train agents. */
const OTHERS: Readonly<Record<string, string>> = {
  TD3: 'TD3 with its policy',
  DDPG: 'DDPG',
  PPO: 'PPO with a Gaussian',
};

/** The update that the values of `UPDATE_OPTIONS` name. */
export function graphOf({ variant, ...sizes }: Readonly<Record<keyof typeof UPDATE_OPTIONS, string>>): Graph {
  const [hidden, batch] = [sizes.hidden.split(',').map(Number), Number(sizes.batch)];
  if (variant === 'v1' || variant === 'v2')
    return sacUpdate(spacesOf(OBSERVATION, ACTION), { variant, hidden_sizes: hidden, batch_size: batch });
  const algorithm = PROGRAMS.find(({ name }) => name === OTHERS[variant]);
  const [width = 0, second] = hidden;
  if (algorithm === undefined)
    throw new RangeError(`--variant is "${variant}"; give one of: v2, v1, ${Object.keys(OTHERS).join(', ')}.`);
  if (hidden.length !== 2 || width !== second) throw new RangeError(`--variant ${variant} takes two equal --hidden.`);
  const { program, signature } = updateOf(
    algorithm.make({ batch, observation: OBSERVATION, action: ACTION, hidden: width }),
  );
  return trace(program, signature);
}

export async function measure(
  engine: Engine,
  { variant, graph }: { readonly variant: string; readonly graph: Graph },
  threads: number,
  compiler: string | null,
): Promise<UpdateTiming> {
  const update = await filled(engine, graph, threads);
  const products = await filled(engine, productsOf(optimize(graph)), threads);
  const flops = matmulFlops(optimize(graph));
  const peakMs = await peakMeter(engine, compiler, threads);
  const calls = { update: await callsIn(update), products: await callsIn(products) };
  const times = { update: [] as number[], products: [] as number[] };
  const fractions: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    // The peak by turns with the updates: a shared core changes its rate within a second, and what matters is their ratio.
    const [turns, each] = peakMs === null ? [1, calls.update] : [Math.ceil(calls.update / 8), 8];
    let [updates, peaks] = [0, 0];
    for (let turn = 0; turn < turns; turn += 1) {
      if (peakMs !== null) await setTimeout(ASLEEP_MS);
      updates += (await millisecondsPerCall(update, each)) / turns;
      if (peakMs === null) continue;
      await setTimeout(ASLEEP_MS);
      peaks += peakMs(flops) / turns;
    }
    times.update.push(updates);
    if (peakMs !== null) fractions.push(peaks / updates);
    times.products.push(await millisecondsPerCall(products, calls.products));
  }
  await Promise.all([update.dispose(), products.dispose()]);
  const [ms, gemm] = [median(times.update), median(times.products)];
  return {
    engine: engine.name,
    threads,
    variant,
    updates_per_s: round(1000 / ms),
    ms_per_update: round(ms),
    gemm_ms_per_update: round(gemm),
    ratio_to_gemm: round(ms / gemm),
    peak_fraction: peakMs === null ? null : round(median(fractions)),
  };
}

/** Milliseconds that so many floating-point operations take at the rate that the threads reach in registers, measured now. */
type PeakMeter = (flops: number) => number;

/** Some milliseconds: a helper that slept takes a tenth of one to wake up. */
const PEAK_TURNS = 1_000_000;
/** Until the helpers of the team that ran last have gone to sleep: awake, they would take the other team's cores. */
const ASLEEP_MS = 2;

/** Null for an engine other than native, since only there a compiler is known to work, and where none is given. */
async function peakMeter(engine: Engine, compiler: string | null, threads: number): Promise<PeakMeter | null> {
  if (engine.name !== 'native' || compiler === null) return null;
  const tool = await findCompiler(compiler === 'auto' ? undefined : [compiler]);
  const { width, registers } = tool.target;
  const c = readFileSync(new URL('../../bench/fma-peak.c', import.meta.url), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'gymserve-peak-'));
  const [source, output] = [join(folder, 'peak.c'), join(folder, 'peak.node')];
  await writeFile(source, wholeProgram({ source: `#define TURNS ${PEAK_TURNS}L\n${c}` }, width));
  await tool.compile(source, output);
  const library = openLibrary(output);
  await rm(folder, { recursive: true });
  const [handle] = library.open(new ArrayBuffer(library.arenaBytes), threads);
  const done = 2 * width * (registers === 32 ? 24 : 12) * PEAK_TURNS * threads;
  return (flops) => {
    const start = performance.now();
    library.run(handle);
    return ((performance.now() - start) * flops) / done;
  };
}

type Arrays = Readonly<Record<string, Float32Array>>;

/** Numbers of an ordinary size in the state and the inputs of an update; steps so small that the numbers stay ordinary. */
export function fill({ inputs, state }: { readonly inputs: Arrays; readonly state: Arrays }): void {
  const rng = Pcg64.fromSeed(0);
  for (const [name, data] of Object.entries(state)) if (!name.startsWith('v/')) rng.fillUniform(data, -0.05, 0.05);
  for (const [name, data] of Object.entries(inputs)) {
    if (data.length > 1) rng.fillUniform(data, -1, 1);
    else data[0] = name.endsWith('Step') ? 1e-6 : 1e-8;
  }
}

async function filled(engine: Engine, graph: Graph, threads: number): Promise<Program> {
  const program = await engine.compile(graph, { threads });
  const tensors = program.getState();
  const state = Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, data as Float32Array] as const),
  );
  fill({ inputs: program.inputs, state });
  program.setState(tensors);
  return program;
}

/** Every product of `graph` alone: operands of the same shapes, and one number of each result, so that none is dropped. */
function productsOf(graph: Graph): Graph {
  const make = nodeMaker();
  const inputs = new Map<string, Node>();
  const operand = (shape: readonly number[], index: number): Node => {
    const name = `${shape.join('x')}#${index}`;
    const node = inputs.get(name) ?? make({ kind: 'input', name }, [], shape);
    inputs.set(name, node);
    return node;
  };
  const seen = new Map<string, number>();
  const corners = topological(graph)
    .filter(({ op }) => op.kind === 'matmul')
    .map(({ op, inputs: [a, b], shape }) => {
      // No pair of operands twice: equal products would be computed once. Few operands, so that they stay in the cache.
      const key = `${a?.shape} ${b?.shape} ${JSON.stringify(op)}`;
      const count = seen.get(key) ?? 0;
      seen.set(key, count + 1);
      const product = make(
        op,
        [operand((a as Node).shape, count % 4), operand((b as Node).shape, 4 + Math.floor(count / 4))],
        shape,
      );
      return make({ kind: 'slice', begin: [(shape[0] as number) - 1, 0] }, [product], [1, 1]);
    });
  const all = make({ kind: 'concat', axis: 0 }, corners, [corners.length, 1]);
  return { inputs, state: new Map(), outputs: new Map([['corners', all]]) };
}

/** Calls that fill a block, after a warm-up. */
async function callsIn(program: Program): Promise<number> {
  await millisecondsPerCall(program, 5);
  return Math.max(1, Math.round(BLOCK_MS / (await millisecondsPerCall(program, 5))));
}

async function millisecondsPerCall(program: Program, calls: number): Promise<number> {
  const start = performance.now();
  for (let call = 0; call < calls; call += 1) await program.run();
  return (performance.now() - start) / calls;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

export const round = (value: number): number => Number(value.toPrecision(4));

const describe = (timing: UpdateTiming, flops: number): string =>
  [
    timing.engine.padEnd(10),
    `${timing.threads} thread${timing.threads === 1 ? ' ' : 's'}`,
    `${timing.updates_per_s.toFixed(0).padStart(5)} updates/s`,
    `${timing.ms_per_update.toFixed(2).padStart(7)} ms`,
    `products alone ${timing.gemm_ms_per_update.toFixed(2)} ms (${(flops / timing.gemm_ms_per_update / 1e6).toFixed(0)} GFLOP/s)`,
    `ratio ${timing.ratio_to_gemm.toFixed(2)}`,
  ].join('  ');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
