// End-to-end SAC training on HalfCheetah-v5, one update a step, in this thread: what a job's worker does, without the worker.
//   npm run --silent bench -- train --json [--engine E] [--threads N] [--steps N] [--repeats N]

import { readFlags } from '../scripts/flags.ts';
import { actionCodec } from '../src/agent/action-codec.ts';
import type { Experience, Learner } from '../src/agent/algorithm.ts';
import { sac } from '../src/agent/algorithms/sac/sac.ts';
import { Engines } from '../src/compute/engines.ts';
import { loadConfig } from '../src/config.ts';
import type { Env } from '../src/envs/env.ts';
import { make } from '../src/envs/registry.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import type { Tensors } from '../src/math/tensor.ts';
import type { TrainingHooks } from '../src/training/run.ts';
import { train } from '../src/training/trainer.ts';

const SPEC = 'HalfCheetah-v5';
/** Enough for a full batch to differ from step to step; not measured. */
const WARM_UP = 500;

const values = readFlags({
  engine: { type: 'string', default: 'auto' },
  threads: { type: 'string' },
  steps: { type: 'string', default: '1500' },
  repeats: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
});

interface Row {
  readonly engine: string;
  readonly threads: number;
  /** Environment steps with one update each, a second. */
  readonly steps_per_s: number;
  /** Updates a second of the time spent in updates alone. */
  readonly updates_per_s: number;
  /** Share of the time spent in the environment. */
  readonly env_fraction: number;
}

const silent: TrainingHooks = {
  isCancelled: () => false,
  takeCheckpointRequest: () => false,
  progress: () => undefined,
  metrics: () => undefined,
  episode: () => undefined,
  evaluated: () => undefined,
  restored: () => undefined,
  checkpoint: () => undefined,
  publish: () => undefined,
};

for (const threads of values.threads === undefined ? [1, 2] : [Number(values.threads)]) {
  const rows: Row[] = [];
  for (let i = 0; i < Number(values.repeats); i++) rows.push(await measure(threads, Number(values.steps)));
  rows.sort((a, b) => a.steps_per_s - b.steps_per_s);
  const row = rows[Math.floor(rows.length / 2)];
  if (row === undefined) throw new RangeError(`--repeats is ${values.repeats}; give 1 or more.`);
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : table(row));
}

async function measure(threads: number, steps: number): Promise<Row> {
  const engine = await new Engines(loadConfig([]).engines).find(values.engine);
  const hyperparameters = sac.resolve({ learning_starts: WARM_UP }, SPEC);
  using env = await make(SPEC);
  const spaces = sac.checkSpaces(env.observationSpace.toDocument(), env.actionSpace.toDocument());
  const rng = Pcg64.fromSeed(0);
  const state = sac.initialize(hyperparameters, spaces, rng);
  const learner = await sac.createLearner({ hyperparameters, spaces, engine, threads, numEnvs: 1, rng, state });
  const clock = { env: 0, update: 0, updates: 0 };
  const plan = {
    envs: [timedEnv(env, clock)],
    learner: timedLearner(learner, clock),
    codec: actionCodec(spaces.action),
    seed: 0,
    experience: () => null,
    resumes: false,
    evaluation: null,
    checkpointEveryTimesteps: null,
    checkpointEverySeconds: null,
  };
  // A first run up to the end of the warm-up and a few updates, then the one that counts, from where it stopped.
  const first = WARM_UP + 200;
  let experience: Tensors | null = null;
  await train(
    { ...plan, timesteps: 0, endTimesteps: first },
    { ...silent, checkpoint: (_, saved) => (experience = copied(saved.experience)) },
  );
  Object.assign(clock, { env: 0, update: 0, updates: 0 });
  const start = performance.now();
  await train({ ...plan, experience: () => experience, timesteps: first, endTimesteps: first + steps }, silent);
  const elapsed = performance.now() - start;
  await learner.dispose();
  return {
    engine: engine.name,
    threads,
    steps_per_s: (steps / elapsed) * 1000,
    updates_per_s: (clock.updates / clock.update) * 1000,
    env_fraction: clock.env / elapsed,
  };
}

/** By name, as a checkpoint would give it back. */
function copied({ tensors, segments }: Experience): Tensors {
  return structuredClone({ ...tensors, ...Object.fromEntries(segments.map(({ name, tensor }) => [name, tensor])) });
}

function timedEnv(env: Env, clock: { env: number }): Env {
  const timed = Object.create(env) as Env;
  timed.step = (action) => {
    const start = performance.now();
    const result = env.step(action);
    clock.env += performance.now() - start;
    return result;
  };
  // Private fields belong to the original.
  timed.reset = (options) => env.reset(options);
  timed.getState = () => env.getState();
  timed.setState = (state) => env.setState(state);
  return timed;
}

function timedLearner(learner: Learner, clock: { update: number; updates: number }): Learner {
  return {
    engineIdentity: learner.engineIdentity,
    explore: (observations) => learner.explore(observations),
    observe: (transitions) => learner.observe(transitions),
    absorb: (transition) => learner.absorb(transition),
    updatesDue: () => learner.updatesDue(),
    async update() {
      const start = performance.now();
      const taken = await learner.update();
      clock.update += performance.now() - start;
      clock.updates += taken;
      return taken;
    },
    takeMetrics: () => learner.takeMetrics(),
    policyState: () => learner.policyState(),
    getState: () => learner.getState(),
    getExperience: () => learner.getExperience(),
    setExperience: (experience) => learner.setExperience(experience),
    dispose: () => learner.dispose(),
  };
}

function table({ engine, threads, steps_per_s, updates_per_s, env_fraction }: Row): string {
  const share = (100 * env_fraction).toFixed(1);
  return `${engine}  ${threads} thread(s)  ${steps_per_s.toFixed(1)} steps/s end to end, ${updates_per_s.toFixed(1)} updates/s alone, environment ${share} %\n`;
}
