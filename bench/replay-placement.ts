// What it brings to have the replay where the engine computes: whole steps of a learner on HalfCheetah-v5's sizes without the environment
// (acting, storing, updating), with one update a step and with eight after each eight steps. First, that both make the same numbers.
// node dist/bench/replay-placement.js [--json] [--engine tfjs-node] [--threads N] [--hidden 64,256] [--blocks N]
import { isDeepStrictEqual } from 'node:util';
import { readFlags } from '../scripts/flags.ts';
import type { Learner, ReplayPlacement } from '../src/agent/algorithm.ts';
import { sac } from '../src/agent/algorithms/sac/sac.ts';
import type { Engine } from '../src/compute/engine.ts';
import { Engines } from '../src/compute/engines.ts';
import { loadConfig } from '../src/config.ts';
import { Pcg64 } from '../src/math/pcg64.ts';
import { spacesOf } from '../test/support/sac-graph.ts';

const [OBSERVATION, ACTION] = [17, 6];
/** Transitions there are before anything is timed, and when `host` and `device` are compared. */
const HELD = 20_000;
const COMPARED_STEPS = 64;
const BLOCK_MS = 1500;

const values = readFlags({
  json: { type: 'boolean', default: false },
  engine: { type: 'string', default: 'tfjs-node' },
  threads: { type: 'string', default: '1' },
  hidden: { type: 'string', default: '64,256' },
  blocks: { type: 'string', default: '9' },
});

/** One line of `--json`: of blocks that took turns, medians. */
interface PlacementTiming {
  readonly engine: string;
  readonly hidden: number;
  /** Steps between rounds of updates, and updates of a round. */
  readonly updates_a_round: number;
  readonly replay_placement: ReplayPlacement;
  readonly updates_per_s: number;
  /** Processor time of all threads. */
  readonly cpu_ms_per_update: number;
  /** Of one turn, updates a second over those of `host`. */
  readonly speedup: number;
  /** Whether parameters, moments and experience were those of `host` to the byte. */
  readonly is_equal: boolean;
}

interface Contender {
  readonly round: number;
  readonly placement: ReplayPlacement;
  readonly learner: Learner;
  readonly observation: Float32Array;
  readonly wall: number[];
  readonly cpu: number[];
}

async function contender(
  engine: Engine,
  hidden: number,
  round: number,
  placement: ReplayPlacement,
): Promise<Contender> {
  const given = { hidden_sizes: [hidden, hidden], learning_starts: HELD, replay_capacity: 1_000_000 };
  const hyperparameters = sac.resolve({ ...given, train_frequency: round, gradient_steps: round }, 'none');
  const spaces = spacesOf(OBSERVATION, ACTION);
  const rng = Pcg64.fromSeed(1);
  const state = sac.initialize(hyperparameters, spaces, rng.split());
  const setup = { hyperparameters, spaces, engine, threads: Number(values.threads), numEnvs: 1, state, rng };
  const learner = await sac.createLearner({ ...setup, replayPlacement: placement });
  const one = { round, placement, learner, observation: new Float32Array(OBSERVATION).fill(0.1), wall: [], cpu: [] };
  for (let step = 0; step < HELD - 1; step += 1) await act(one);
  for (let step = 0; step < COMPARED_STEPS; step += 1) await updated(one);
  return one;
}

/** A step of a world that drifts with the actions; an episode is cut off after some thousand. */
async function act({ learner, observation }: Contender): Promise<void> {
  const action = (await learner.explore(observation)).slice();
  const next = observation.map((x, i) => Math.sin(x + 0.3 * (action[i % ACTION] as number) + i));
  const ends = (next[0] as number) > 0.9995;
  learner.observe([
    { observation, action, reward: next[0] as number, nextObservation: next, terminated: false, truncated: ends },
  ]);
  observation.set(ends ? next.fill(0.1) : next);
}

/** A step, and the updates that it makes due: how many. */
async function updated(one: Contender): Promise<number> {
  await act(one);
  let updates = 0;
  for (let due = one.learner.updatesDue(); due > updates; ) updates += await one.learner.update();
  return updates;
}

async function block(one: Contender): Promise<void> {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  let updates = 0;
  while (performance.now() - begun < BLOCK_MS || updates === 0) updates += await updated(one);
  const { user, system } = process.cpuUsage(used);
  one.wall.push((performance.now() - begun) / updates);
  one.cpu.push((user + system) / 1000 / updates);
}

const everything = ({ learner }: Contender): unknown => {
  const { tensors, segments } = learner.getExperience();
  return [learner.getState(), tensors, segments.map(({ tensor }) => tensor)];
};

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const rounded = (value: number): number => Number(value.toPrecision(4));

const engine = await new Engines(loadConfig([]).engines).find(values.engine);
for (const hidden of values.hidden.split(',').map(Number)) {
  for (const round of [1, 8]) {
    const host = await contender(engine, hidden, round, 'host');
    const device = await contender(engine, hidden, round, 'device');
    const isEqual = isDeepStrictEqual(everything(device), everything(host));
    for (let turn = 0; turn < Number(values.blocks); turn += 1) for (const one of [host, device]) await block(one);
    for (const { placement, wall, cpu } of [host, device])
      report(placement, wall, cpu, { hidden, round, host, isEqual });
    await host.learner.dispose();
    await device.learner.dispose();
  }
}

function report(
  placement: ReplayPlacement,
  wall: readonly number[],
  cpu: readonly number[],
  { hidden, round, host, isEqual }: { hidden: number; round: number; host: Contender; isEqual: boolean },
): void {
  const timing: PlacementTiming = {
    engine: engine.name,
    hidden,
    updates_a_round: round,
    replay_placement: placement,
    updates_per_s: rounded(1000 / median(wall)),
    cpu_ms_per_update: rounded(median(cpu)),
    speedup: rounded(median(wall.map((ms, turn) => (host.wall[turn] as number) / ms))),
    is_equal: isEqual,
  };
  console.log(
    values.json
      ? JSON.stringify(timing)
      : `${hidden}×${hidden}, ${round} a round, replay on the ${placement}: ${timing.updates_per_s} updates/s (×${timing.speedup}), ${timing.cpu_ms_per_update} ms of processor each${isEqual ? '' : '; NOT THE SAME NUMBERS'}`,
  );
}
