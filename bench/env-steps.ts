// Environment steps a second: vector environments in this thread, or over worker threads as the API has them (lists of
// numbers in and out, without HTTP and the text of JSON).
//   npm run --silent bench -- env-steps --json [--spec ID] [--num-envs N] [--workers W] [--blocks B]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFlags } from '../scripts/flags.ts';
import { loadConfig } from '../src/config.ts';
import type { Env } from '../src/envs/env.ts';
import { Simulation } from '../src/envs/mujoco/simulation.ts';
import { make } from '../src/envs/registry.ts';
import type { Value } from '../src/envs/spaces/space.ts';
import { Batches, sampleBatch } from '../src/envs/vector/batch.ts';
import { VectorEnv } from '../src/envs/vector/vector-env.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { Environments } from '../src/services/environments.ts';

/** V8 needs a few thousand steps for its best code. */
const WARM_UP_MS = 2000;
const BLOCK_MS = 700;
/** Batches of actions that take turns, so that drawing them is not measured. */
const BATCHES = 32;

const values = readFlags({
  spec: { type: 'string' },
  'num-envs': { type: 'string', default: '64' },
  workers: { type: 'string' },
  blocks: { type: 'string', default: '7' },
  json: { type: 'boolean', default: false },
});

/** Medians of blocks; those of the two rates take turns, so that both see the same machine. */
interface Row {
  readonly spec_id: string;
  readonly num_envs: number;
  /** 0: in this thread. */
  readonly workers: number;
  /** Transitions of sub-environments. */
  readonly steps_per_s: number;
  /**
   * The same module's bare mj_step in this one thread, in the same unit: frame_skip calls are one step. Null where there is no
   * MuJoCo in it. It steps as many simulations in turns, for what they hold of the caches, with episodes as long as those measured.
   */
  readonly raw_steps_per_s: number | null;
}

/** One call steps all sub-environments; it returns how many episodes ended. */
interface Subject {
  step(batch: number): Promise<number> | number;
  close(): Promise<void> | void;
}

const specIds = values.spec === undefined ? ['HalfCheetah-v5', 'Humanoid-v5', 'CartPole-v1'] : [values.spec];
const workerCounts = values.workers === undefined ? [0, 1, 2] : [Number(values.workers)];
for (const specId of specIds) {
  for (const workers of workerCounts) {
    const row = await measure(specId, Number(values['num-envs']), workers, Number(values.blocks));
    process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : describe(row));
  }
}

async function measure(specId: string, numEnvs: number, workers: number, blocks: number): Promise<Row> {
  const actions = await actionsOf(specId, numEnvs);
  const subject =
    workers === 0 ? await local(specId, numEnvs, actions) : await hosted(specId, numEnvs, actions, workers);
  const warmUp = await run(subject, WARM_UP_MS);
  const raw = await bare(specId, actions, (warmUp.calls * numEnvs) / Math.max(1, warmUp.ends));
  raw?.run(WARM_UP_MS);
  const rates = { subject: [] as number[], raw: [] as number[] };
  for (let block = 0; block < blocks; block++) {
    const { calls, ends, seconds } = await run(subject, BLOCK_MS);
    // After each end one call begins the next episode (NextStep) and is no step.
    rates.subject.push((calls * numEnvs - ends) / seconds);
    if (raw !== null) rates.raw.push(raw.run(BLOCK_MS));
  }
  await subject.close();
  raw?.close();
  return {
    spec_id: specId,
    num_envs: numEnvs,
    workers,
    steps_per_s: median(rates.subject),
    raw_steps_per_s: raw === null ? null : median(rates.raw),
  };
}

async function run(subject: Subject, ms: number): Promise<{ calls: number; ends: number; seconds: number }> {
  const start = performance.now();
  let [calls, ends] = [0, 0];
  while (performance.now() - start < ms) ends += await subject.step(calls++ % BATCHES);
  return { calls, ends, seconds: (performance.now() - start) / 1000 };
}

async function actionsOf(specId: string, numEnvs: number): Promise<readonly unknown[]> {
  using env = await make(specId);
  const rng = Pcg64.fromSeed(0);
  return Array.from({ length: BATCHES }, () => sampleBatch(env.actionSpace.toDocument(), numEnvs, rng));
}

async function local(specId: string, numEnvs: number, actions: readonly unknown[]): Promise<Subject> {
  const envs = await VectorEnv.make(specId, { numEnvs });
  const batches = new Batches(envs.singleActionSpace.toDocument());
  const parsed = actions.map((batch) => batches.parse(batch, numEnvs));
  envs.reset({ seed: 0 });
  return {
    step: (batch) => countEnds(envs.step(parsed[batch] as Float32Array)),
    close: () => envs.close(),
  };
}

async function hosted(specId: string, numEnvs: number, actions: readonly unknown[], workers: number): Promise<Subject> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gymserve-env-steps-'));
  const workerData = { dataDir, engines: loadConfig([]).engines };
  const environments = new Environments({ workers, workerData, limits: { environments: numEnvs } });
  const vector = { numEnvs, autoresetMode: 'NextStep' } as const;
  const plan = { specId, vector, seed: 0, kwargs: {}, wrappers: [], maxEpisodeSteps: null, labels: {}, idleTtlS: 3600 };
  const { id } = await environments.create(plan);
  await environments.reset(id, { seed: null, options: {}, resetMask: null });
  return {
    async step(batch) {
      const step = await environments.step(id, { actions: actions[batch], seq: null });
      return 'terminations' in step ? countEnds(step) : 0;
    },
    async close() {
      await environments.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

function countEnds({
  terminations,
  truncations,
}: {
  readonly terminations: readonly boolean[];
  readonly truncations: readonly boolean[];
}): number {
  let ends = 0;
  for (let i = 0; i < terminations.length; i++) if (terminations[i] === true || truncations[i] === true) ends++;
  return ends;
}

/** Bare steps of the environment's own simulation; null where it has none. `run` returns steps a second. */
async function bare(specId: string, actions: readonly unknown[], episodeSteps: number) {
  const envs = await Promise.all((actions[0] as unknown[]).map(() => make(specId)));
  const close = () => {
    for (const env of envs) env.close();
  };
  const first = envs[0] as Env;
  const controls = actions.flatMap((batch) =>
    (batch as unknown[]).map((action) => first.actionSpace.parse(action, 'action')),
  );
  const found = envs.flatMap((env) => simulationOf(() => stepOnce(env, controls[0] as Value)) ?? []);
  if (found.length === 0) {
    close();
    return null;
  }
  return {
    run(ms: number): number {
      const start = performance.now();
      let steps = 0;
      for (let round = 0; performance.now() - start < ms; round++) {
        if (round % Math.ceil(episodeSteps) === 0) for (const env of envs) env.reset();
        for (const { simulation, frames } of found)
          simulation.step(controls[steps++ % controls.length] as Float32Array, frames);
      }
      return (steps * 1000) / (performance.now() - start);
    },
    close,
  };
}

function stepOnce(env: Env, action: Value): void {
  env.reset({ seed: 0 });
  env.step(action);
}

/** Which simulation `use` steps, and by how many frames: wrappers hide it. */
function simulationOf(use: () => void): { readonly simulation: Simulation; readonly frames: number } | null {
  const { step } = Simulation.prototype;
  let found = null as { readonly simulation: Simulation; readonly frames: number } | null;
  Simulation.prototype.step = function (control, frames) {
    found = { simulation: this, frames };
    step.call(this, control, frames);
  };
  try {
    use();
    return found;
  } finally {
    Simulation.prototype.step = step;
  }
}

function median(rates: readonly number[]): number {
  const sorted = [...rates].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] as number);
}

function describe({ spec_id, num_envs, workers, steps_per_s, raw_steps_per_s }: Row): string {
  const where = workers === 0 ? 'in this thread' : `on ${workers} worker(s)`;
  const raw = raw_steps_per_s === null ? '' : `, bare mj_step in one thread ${raw_steps_per_s}`;
  return `${num_envs} ${spec_id} ${where}: ${steps_per_s} steps/s${raw}\n`;
}
