// Held against what Gymnasium computed: see scripts/record-gymnasium-fixtures.py.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env, Info } from '../../src/envs/env.ts';
import { make } from '../../src/envs/registry.ts';
import type { Tensors } from '../../src/math/tensor.ts';
import { type Packed, readFixture, rows, unpack } from '../fixtures/read.ts';

interface EnvFixture {
  readonly id: string;
  readonly resets: readonly {
    readonly kwargs: Readonly<Record<string, unknown>>;
    readonly seed: number;
    readonly options: Readonly<Record<string, unknown>> | null;
    readonly observation: Packed;
    readonly info: Info;
    readonly unseeded: { readonly observation: Packed; readonly info: Info };
  }[];
  readonly trajectories: readonly Trajectory[];
}

interface Trajectory {
  readonly seed: number;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly max_episode_steps: number | null;
  readonly scale: number;
  /** What the simulator held before each step. */
  readonly states: Packed;
  readonly actions: Packed;
  readonly observations: Packed;
  readonly rewards: Packed;
  readonly terminated: readonly boolean[];
  readonly truncated: readonly boolean[];
  readonly infos: Readonly<Record<string, Packed>>;
}

interface Parity {
  readonly fixture: string;
  /** Where the simulator's state stands in a snapshot. */
  readonly stateName: string;
  /** Largest error of one step from a recorded state, relative to max(1, |recorded|): of observations, of rewards and infos. */
  readonly observation: number;
  readonly reward: number;
  /** For free-running trajectories: up to which step which error. The last bound goes on to the end. */
  readonly free: readonly { readonly until: number; readonly within: number }[];
}

const PARITY: readonly Parity[] = [
  {
    fixture: 'pendulum-v1',
    stateName: 'env/env/state',
    observation: 0,
    // numpy squares the float32 torque with powf, which is not always the rounded square: 1.2e-11 at worst, one float32
    // unit of the torque's cost, in 1 step of 620.
    reward: 1e-10,
    free: [{ until: Infinity, within: 0 }],
  },
  {
    fixture: 'half-cheetah-v5',
    stateName: 'env/env/physics',
    // Measured 1.8e-13: WASM and native MuJoCo round differently here and there (fused multiply-adds, libm).
    observation: 1e-11,
    reward: 1e-11,
    // Contacts multiply the last bit tenfold every 5 to 10 steps. Measured: 1.7e-13 at 10 steps, 8e-11 at 40, 1.4e-7 at
    // 50; native MuJoCo leaves itself as fast when nudged by 4e-16. Beyond 50 steps only the flags are compared.
    free: [
      { until: 10, within: 1e-11 },
      { until: 40, within: 1e-9 },
      { until: 50, within: 1e-5 },
      { until: Infinity, within: Infinity },
    ],
  },
];

/** Largest difference, relative to max(1, |expected|); NaN anywhere makes it NaN. */
function errorOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  return Math.max(0, ...Array.from(expected, (x, i) => Math.abs((actual[i] as number) - x) / Math.max(1, Math.abs(x))));
}

function assertWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number, what: string): void {
  const error = errorOf(actual, expected);
  assert.ok(error <= bound, `${what} is off by ${error}, more than ${bound}`);
}

function open(
  id: string,
  { kwargs, max_episode_steps: limit }: Pick<Trajectory, 'kwargs' | 'max_episode_steps'>,
): Promise<Env> {
  return make(id, { kwargs, ...(limit === null ? {} : { maxEpisodeSteps: limit }) });
}

/** A running snapshot whose simulator holds `physics` and that has taken `elapsed` steps. */
function forced(snapshot: Tensors, name: string, physics: Float64Array, elapsed: number): Tensors {
  return {
    ...snapshot,
    [name]: { shape: [physics.length], data: physics },
    'env/elapsed_steps': { shape: [1], data: Int32Array.of(elapsed) },
  };
}

for (const { fixture: name, stateName, observation: within, reward: rewardWithin, free } of PARITY) {
  const { id, resets, trajectories } = readFixture<EnvFixture>(name);

  for (const { kwargs, seed, options, observation, info, unseeded } of resets) {
    test(`${id} resets with seed ${seed} ${JSON.stringify({ ...kwargs, ...options })} to Gymnasium's very observations`, async () => {
      using env = await make(id, { kwargs });
      const first = env.reset({ seed, ...(options && { options }) });
      assert.deepEqual(first, { observation: unpack(observation), info });
      assert.deepEqual(env.reset(), { observation: unpack(unseeded.observation), info: unseeded.info });
    });
  }

  for (const trajectory of trajectories) {
    const { seed, kwargs, scale } = trajectory;
    const title = `seed ${seed}, actions × ${scale}, ${JSON.stringify(kwargs)}, limit ${trajectory.max_episode_steps}`;
    const [actions, observations] = [rows(trajectory.actions), rows(trajectory.observations)] as [
      Float32Array[],
      Float64Array[],
    ];
    const rewards = unpack(trajectory.rewards);
    const infos = Object.entries(trajectory.infos).map(([key, values]) => [key, unpack(values)] as const);

    test(`${id} takes Gymnasium's steps from its states: ${title}`, async () => {
      using env = await open(id, trajectory);
      env.reset({ seed });
      const snapshot = env.getState();
      for (const [i, physics] of rows(trajectory.states).entries()) {
        env.setState(forced(snapshot, stateName, physics as Float64Array, i));
        const result = env.step(actions[i] as Float32Array);
        assertWithin(
          result.observation as Float64Array,
          observations[i + 1] as Float64Array,
          within,
          `observation ${i}`,
        );
        assertWithin([result.reward], [rewards[i] as number], rewardWithin, `reward ${i}`);
        assert.deepEqual(
          [result.terminated, result.truncated],
          [trajectory.terminated[i], trajectory.truncated[i]],
          `flags ${i}`,
        );
        assert.deepEqual(Object.keys(result.info).sort(), infos.map(([key]) => key).sort());
        for (const [key, values] of infos) {
          assertWithin([result.info[key] as number], [values[i] as number], rewardWithin, `${key} ${i}`);
        }
      }
    });

    test(`${id} runs freely beside Gymnasium: ${title}`, async () => {
      using env = await open(id, trajectory);
      assert.deepEqual(env.reset({ seed }).observation, observations[0]);
      for (const [i, action] of actions.entries()) {
        const result = env.step(action);
        const { within: bound } = free.find(({ until }) => i < until) as { within: number };
        if (bound < Infinity)
          assertWithin(
            result.observation as Float64Array,
            observations[i + 1] as Float64Array,
            bound,
            `observation ${i}`,
          );
        assert.deepEqual(
          [result.terminated, result.truncated],
          [trajectory.terminated[i], trajectory.truncated[i]],
          `flags ${i}`,
        );
      }
    });
  }
}
