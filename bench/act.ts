// How fast a trained policy acts, in the thread that holds it: HalfCheetah-v5's sizes, hidden layers of 256, deterministic actions.
// node dist/bench/act.js [--json] [--engine E]
import { readFlags } from '../scripts/flags.ts';
import { findAlgorithm } from '../src/agent/algorithm-registry.ts';
import { Engines } from '../src/compute/engines.ts';
import { loadConfig } from '../src/config.ts';
import { make } from '../src/envs/registry.ts';
import { Pcg64 } from '../src/math/pcg64.ts';

const SPEC = 'HalfCheetah-v5';
const BLOCKS = 21;
const BLOCK_MS = 100;

const values = readFlags({ json: { type: 'boolean', default: false }, engine: { type: 'string' } });

/** One line of `--json`: medians of blocks. */
interface ActTiming {
  readonly engine: string;
  /** Observations of one call. */
  readonly observations: number;
  readonly us_per_call: number;
  readonly actions_per_s: number;
}

const engines = new Engines(loadConfig([]).engines);
const chosen = values.engine === undefined ? ['native', 'onnx-cpu'] : [values.engine];
for (const name of chosen) for (const observations of [1, 1024]) report(await measure(name, observations));

async function measure(name: string, observations: number): Promise<ActTiming> {
  const engine = await engines.find(name);
  const algorithm = findAlgorithm('sac');
  const hyperparameters = algorithm.resolve({}, SPEC);
  using env = await make(SPEC);
  const spaces = algorithm.checkSpaces(env.observationSpace.toDocument(), env.actionSpace.toDocument());
  const rng = Pcg64.fromSeed(0);
  const state = algorithm.initialize(hyperparameters, spaces, rng);
  const policy = await algorithm.createPolicy({ hyperparameters, spaces, engine, state });
  const batch = Float32Array.from(rng.standardNormalArray(observations * 17));
  const microseconds = async (calls: number): Promise<number> => {
    const start = performance.now();
    for (let call = 0; call < calls; call += 1) await policy.act(batch, { deterministic: true });
    return ((performance.now() - start) / calls) * 1000;
  };
  await microseconds(20);
  const calls = Math.max(1, Math.round((BLOCK_MS * 1000) / (await microseconds(20))));
  const times: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) times.push(await microseconds(calls));
  await policy.dispose();
  const us = times.sort((a, b) => a - b)[Math.floor(BLOCKS / 2)] as number;
  return {
    engine: name,
    observations,
    us_per_call: Number(us.toPrecision(4)),
    actions_per_s: Math.round((observations / us) * 1e6),
  };
}

function report(timing: ActTiming): void {
  const { engine, observations, us_per_call, actions_per_s } = timing;
  console.log(
    values.json
      ? JSON.stringify(timing)
      : `${engine.padEnd(10)} ${observations} observation(s)  ${us_per_call} µs a call  ${actions_per_s} actions/s`,
  );
}
