// Vector environments, held to what Gymnasium's SyncVectorEnv computed: see scripts/record-vector-fixtures.py.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { AutoresetMode } from '../../../src/envs/vector/autoreset.ts';
import { VectorEnv, type VectorResetOptions } from '../../../src/envs/vector/vector-env.ts';
import { type Packed, readFixture, rows, unpack } from '../../fixtures/read.ts';

interface Run {
  readonly id: string;
  readonly mode: AutoresetMode;
  readonly num_envs: number;
  readonly max_episode_steps: number | null;
  readonly seed: number;
  /** Null is a step, anything else a reset. */
  readonly calls: readonly (ResetCall | null)[];
  /** After each call. */
  readonly observations: Packed;
  readonly infos: readonly unknown[];
  /** Of each step. */
  readonly actions: Packed;
  readonly rewards: Packed;
  readonly terminations: readonly (readonly [step: number, index: number])[];
  readonly truncations: readonly (readonly [step: number, index: number])[];
}

interface ResetCall {
  readonly seed: number | readonly (number | null)[] | null;
  readonly options?: Readonly<Record<string, unknown>> | null;
  readonly reset_mask?: readonly boolean[];
}

/** Errors relative to max(1, |recorded|); why they are not 0 stands in test/envs/parity.test.ts. */
const WITHIN: Readonly<Record<string, { readonly numbers: number; readonly rewards: number }>> = {
  'CartPole-v1': { numbers: 0, rewards: 0 },
  'Pendulum-v1': { numbers: 0, rewards: 1e-10 },
  // Measured 1.1e-11 in episodes of 12 steps; contacts multiply the last bit.
  'HalfCheetah-v5': { numbers: 1e-10, rewards: 1e-10 },
};

function argumentsOf({ seed, options, reset_mask }: ResetCall): VectorResetOptions {
  return { ...(seed !== null && { seed }), ...(options && { options }), ...(reset_mask && { resetMask: reset_mask }) };
}

for (const run of readFixture<{ runs: readonly Run[] }>('vector').runs) {
  const { id, mode, num_envs: numEnvs, max_episode_steps: limit } = run;
  test(`${numEnvs} ${id} with ${mode}, seed ${run.seed}, are Gymnasium's`, async () => {
    using envs = await VectorEnv.make(id, {
      numEnvs,
      autoresetMode: mode,
      ...(limit !== null && { maxEpisodeSteps: limit }),
    });
    const within = WITHIN[id] as { numbers: number; rewards: number };
    const observations = rows(run.observations);
    const isDiscrete = run.actions.shape.length === 2;
    const actions = rows(run.actions).map((row) => (isDiscrete ? Int32Array.from(row) : row));
    const flags = (places: Run['terminations'], step: number) =>
      Array.from({ length: numEnvs }, (_, i) => places.some(([at, index]) => at === step && index === i));
    const rewards = rows(run.rewards);
    let step = 0;
    for (const [i, call] of run.calls.entries()) {
      const what = `call ${i}`;
      const stepped = call === null ? envs.step(actions[step] as Float32Array) : null;
      const result = stepped ?? envs.reset(argumentsOf(call as ResetCall));
      assertNear(result.observations, observations[i], within.numbers, `observations of ${what}`);
      assert.equal(result.observations.constructor, observations[i]?.constructor);
      assertNear(result.infos, run.infos[i], within.numbers, `infos of ${what}`);
      if (stepped === null) continue;
      assertNear(stepped.rewards, rewards[step], within.rewards, `rewards of ${what}`);
      assert.deepEqual(stepped.terminations, flags(run.terminations, step), `terminations of ${what}`);
      assert.deepEqual(stepped.truncations, flags(run.truncations, step), `truncations of ${what}`);
      step++;
    }
    assert.equal(step, unpack(run.rewards).length / numEnvs);
  });
}

/** Numbers anywhere in `actual` are within `bound` of those in `expected`; all else is equal. */
function assertNear(actual: unknown, expected: unknown, bound: number, what: string): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
    assert.ok(error <= bound, `${what}: ${actual}, recorded ${expected}`);
  } else if (Array.isArray(expected) || ArrayBuffer.isView(expected)) {
    const [ours, theirs] = [actual, expected].map((list) => Array.from(list as ArrayLike<unknown>));
    assert.equal(ours?.length, theirs?.length, what);
    for (const [i, value] of (theirs ?? []).entries()) assertNear(ours?.[i], value, bound, `${what}[${i}]`);
  } else if (typeof expected === 'object' && expected !== null) {
    assert.deepEqual(Object.keys(actual as object).sort(), Object.keys(expected).sort(), what);
    for (const [key, value] of Object.entries(expected)) {
      assertNear((actual as Record<string, unknown>)[key], value, bound, `${what}.${key}`);
    }
  } else assert.equal(actual, expected, what);
}
