// Holds one environment to the contract, as gymnasium.utils.env_checker.check_env does: seeding, spaces, rewards,
// fresh arrays, exact snapshots, pictures, closing. It runs the environment and closes it.
import { Pcg64 } from '../math/pcg64.ts';
import type { Tensors } from '../math/tensor.ts';
import type { Env, StepResult } from './env.ts';
import type { Value } from './spaces/space.ts';

/** Throws an `Error` naming the first rule `env` breaks within `steps` steps. `env` is closed in any case. */
export function checkEnv(env: Env, { seed, steps = 100 }: { readonly seed: number; readonly steps?: number }): void {
  try {
    checkSeeding(env, seed, steps);
    checkSnapshot(env, seed, steps);
    checkPicture(env, seed);
  } finally {
    env.close();
    env.close();
  }
}

function require(holds: boolean, rule: string, env: Env): asserts holds {
  if (!holds) throw new Error(`${env.spec.id}: ${rule}.`);
}

const format = (value: unknown): string =>
  JSON.stringify(value, (_, part) => {
    if (ArrayBuffer.isView(part))
      return Array.from(part as unknown as ArrayLike<number>, (x) => (Object.is(x, -0) ? '-0' : String(x)));
    return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part;
  });

/** The same seed: the same start, steps and snapshot; another: another start. */
function checkSeeding(env: Env, seed: number, steps: number): void {
  const first = play(env, seed, steps);
  const afterFirst = env.getState();
  const second = play(env, seed, steps);
  require(format(first) === format(second), 'the same seed must give the same trajectory', env);
  require(sameBytes(afterFirst, env.getState()), 'the same seed and actions must end in the same snapshot', env);

  env.reset({ seed });
  const generator = format(rngOf(env.getState()));
  env.reset({ seed: seed + 1 });
  require(generator !== format(rngOf(env.getState())), 'another seed must give another generator', env);
}

/** What the environment and a run without it in between see after going back to a snapshot. */
function checkSnapshot(env: Env, seed: number, steps: number): void {
  const actions = Pcg64.fromSeed(seed);
  env.reset({ seed });
  for (let i = 0; i < steps / 2; i++) advance(env, actions);
  const snapshot = env.getState();
  const copy = structuredClone(snapshot);
  const drawn = actions.getState();

  const onward = Array.from({ length: steps }, () => advance(env, actions));
  require(sameBytes(snapshot, copy), 'a snapshot must not change as the environment goes on', env);
  env.setState(snapshot);
  require(sameBytes(env.getState(), copy), 'a restored snapshot must read back the same bytes', env);
  actions.setState(drawn);
  const again = Array.from({ length: steps }, () => advance(env, actions));
  require(format(onward) === format(again), 'steps after a restored snapshot must repeat', env);
}

/** Looking gives all pixels, the same twice, and changes nothing. */
function checkPicture(env: Env, seed: number): void {
  env.reset({ seed });
  const before = env.getState();
  const size = { width: 32, height: 24 };
  const image = env.render(size);
  require(image.width === 32 &&
    image.height === 24 &&
    image.data.length === 3 * 32 * 24, 'a picture must have the size asked for', env);
  require(format(env.render(size)) === format(image), 'the same state must look the same', env);
  require(sameBytes(before, env.getState()), 'looking must not change the state', env);
}

/** A step with a random action, or a reset where the episode ended, held to the rules of observations and rewards. */
function advance(env: Env, actions: Pcg64): StepResult {
  const result = env.step(env.actionSpace.sample(actions));
  checkObservation(env, result.observation, 'step');
  require(Number.isFinite(result.reward), `the reward is ${result.reward}, but must be finite`, env);
  require(typeof result.terminated === 'boolean' &&
    typeof result.truncated === 'boolean', 'both flags must be booleans', env);
  if (result.terminated || result.truncated) checkObservation(env, env.reset().observation, 'reset');
  return result;
}

function play(env: Env, seed: number, steps: number): unknown[] {
  const actions = Pcg64.fromSeed(seed);
  const start = env.reset({ seed });
  checkObservation(env, start.observation, 'reset');
  const before = format(start);
  const results = Array.from({ length: steps }, () => advance(env, actions));
  require(format(start) === before, 'an observation handed out must not change later', env);
  return [start, ...results];
}

function checkObservation(env: Env, observation: Value, where: string): void {
  const problem = `the observation of ${where} must be in ${JSON.stringify(env.observationSpace.toDocument())}; got ${format(observation)}`;
  require(env.observationSpace.contains(observation), problem, env);
}

/** The tensors of the environment's generator, at whatever depth of wrappers. */
function rngOf(state: Tensors): readonly string[][] {
  return Object.entries(state)
    .filter(([name]) => name.endsWith('/pcg64'))
    .map(([name, { data }]) => [name, ...Array.from(data as ArrayLike<number | bigint>, String)]);
}

function sameBytes(a: Tensors, b: Tensors): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [left, right] = [a[name]?.data, b[name]?.data];
      if (left === undefined || right === undefined || left.constructor !== right.constructor) return false;
      const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
        Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      return bytes(left).equals(bytes(right));
    })
  );
}
