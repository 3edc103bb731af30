// Held against what Gymnasium computed: see scripts/record-gymnasium-fixtures.py.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env, Info, ResetResult } from '../../src/envs/env.ts';
import { make } from '../../src/envs/registry.ts';
import { type Tensors, vector } from '../../src/math/tensor.ts';
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
  /** What the next step reads beside the simulator's state, before each step; where there is such a thing. */
  readonly memories?: Packed;
  /** Episodes after the first: before which step they began, and with what. */
  readonly restarts?: readonly { readonly step: number; readonly observation: Packed }[];
}

interface Parity {
  readonly fixture: string;
  /** Where the simulator's state stands in a snapshot. */
  readonly stateName: string;
  /** Largest error of a start; without it there must be none. */
  readonly reset?: number;
  /** Largest error of one step from a recorded state, relative to max(1, |recorded|): of observations, of rewards and infos. */
  readonly observation: number;
  readonly reward: number;
  /** For free-running trajectories: up to which step of an episode which error. The last bound goes on to the end. */
  readonly free: readonly { readonly until: number; readonly within: number }[];
}

/** Of a MuJoCo environment: one bound for the observations, rewards and infos of single steps. */
function mujoco(
  fixture: string,
  { step, ...rest }: Pick<Parity, 'reset' | 'free'> & { readonly step: number },
): Parity {
  return { fixture, stateName: 'env/env/physics', observation: step, reward: step, ...rest };
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
  // Numbers below are measured, then what is allowed. Where a reset is not exact, a norm or a cosine differs in its last
  // bit: numpy's BLAS fuses multiplications with additions, and each libm has its own cosine.
  // One step: 2.0e-15. Free: 9e-15.
  mujoco('hopper-v5', { step: 1e-13, free: [{ until: Infinity, within: 1e-12 }] }),
  // One step: 1.2e-13. Free: 1e-12.
  mujoco('walker2d-v5', {
    step: 1e-11,
    free: [
      { until: 10, within: 1e-11 },
      { until: Infinity, within: 1e-10 },
    ],
  }),
  // Reset: 1.4e-17. One step: 1.1e-13. Free: 6e-14 at 10 steps, 4e-10 at 40, 8e-10 at 60, then 10⁻³ at 100: it is on its
  // feet and each contact multiplies the last bit, as with the half-cheetah.
  mujoco('ant-v5', {
    reset: 1e-15,
    step: 1e-11,
    free: [
      { until: 10, within: 1e-11 },
      { until: 40, within: 1e-8 },
      { until: 50, within: 1e-7 },
      { until: Infinity, within: Infinity },
    ],
  }),
  // One step: 1.6e-15. Free: 1e-14.
  mujoco('ant-v5-main-body', { step: 1e-13, free: [{ until: Infinity, within: 1e-12 }] }),
  // Reset: 1.4e-17. One step: 2.0e-15. Free: 3e-13.
  mujoco('swimmer-v5', {
    reset: 1e-15,
    step: 1e-13,
    free: [
      { until: 10, within: 1e-12 },
      { until: Infinity, within: 1e-11 },
    ],
  }),
  mujoco('inverted-pendulum-v5', { step: 0, free: [{ until: Infinity, within: 0 }] }),
  // Reset: 1.2e-16. One step: 8.9e-16. Free: 3e-15.
  mujoco('inverted-double-pendulum-v5', { reset: 1e-15, step: 1e-13, free: [{ until: Infinity, within: 1e-12 }] }),
  // Reset: 1.4e-17. One step: 1.5e-16. Free: 2e-16.
  mujoco('reacher-v5', { reset: 1e-15, step: 1e-14, free: [{ until: Infinity, within: 1e-14 }] }),
  // Reset: 1.8e-18. One step: 6.8e-13. Free: 2e-12; it falls within 25 steps.
  mujoco('humanoid-v5', {
    reset: 1e-15,
    step: 1e-11,
    free: [
      { until: 10, within: 1e-11 },
      { until: Infinity, within: 1e-10 },
    ],
  }),
  // One step: 4.5e-13. Free: 3e-12.
  mujoco('humanoid-standup-v5', {
    step: 1e-11,
    free: [
      { until: 10, within: 1e-11 },
      { until: Infinity, within: 1e-10 },
    ],
  }),
  // One step: 4.3e-11 in one in which the hand strikes the puck, which has next to no mass. Free: 7e-16 at 10 steps, 3e-13
  // at 50, 1e-9 after the blow.
  mujoco('pusher-v5', {
    step: 1e-10,
    free: [
      { until: 10, within: 1e-12 },
      { until: 50, within: 1e-11 },
      { until: Infinity, within: 1e-7 },
    ],
  }),
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
function forced(
  snapshot: Tensors,
  name: string,
  physics: Float64Array,
  memory: Float64Array | undefined,
  elapsed: number,
): Tensors {
  return {
    ...snapshot,
    [name]: vector(physics),
    ...(memory && { 'env/env/memory': vector(memory) }),
    'env/elapsed_steps': vector(Int32Array.of(elapsed)),
  };
}

/** Per step, how many the episode had before it. */
function elapsedSteps({ terminated, restarts = [] }: Trajectory): number[] {
  const starts = new Set(restarts.map(({ step }) => step));
  let elapsed = -1;
  return terminated.map((_, step) => {
    elapsed = starts.has(step) ? 0 : elapsed + 1;
    return elapsed;
  });
}

/** The numbers of `info` in the order of its keys' names. */
function numbersOf(info: Info): number[] {
  return Object.keys(info)
    .sort()
    .flatMap((key) => info[key] as number | number[]);
}

function assertStart(actual: ResetResult, expected: ResetResult, bound: number): void {
  if (bound === 0) {
    assert.deepEqual(actual, expected);
    return;
  }
  assert.deepEqual(Object.keys(actual.info).sort(), Object.keys(expected.info).sort());
  assertWithin(actual.observation as Float64Array, expected.observation as Float64Array, bound, 'observation');
  assertWithin(numbersOf(actual.info), numbersOf(expected.info), bound, 'info');
}

for (const { fixture: name, stateName, reset = 0, observation: within, reward: rewardWithin, free } of PARITY) {
  const { id, resets, trajectories } = readFixture<EnvFixture>(name);

  for (const { kwargs, seed, options, observation, info, unseeded } of resets) {
    test(`${id} resets with seed ${seed} ${JSON.stringify({ ...kwargs, ...options })} to Gymnasium's very observations`, async () => {
      using env = await make(id, { kwargs });
      const first = env.reset({ seed, ...(options && { options }) });
      assertStart(first, { observation: unpack(observation), info }, reset);
      assertStart(env.reset(), { observation: unpack(unseeded.observation), info: unseeded.info }, reset);
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
    const infos = Object.entries(trajectory.infos).map(([key, values]) => [key, rows(values)] as const);
    const memories = trajectory.memories && (rows(trajectory.memories) as Float64Array[]);
    const elapsed = elapsedSteps(trajectory);
    const starts = new Map(trajectory.restarts?.map(({ step, observation }) => [step, unpack(observation)]));

    test(`${id} takes Gymnasium's steps from its states: ${title}`, async () => {
      using env = await open(id, trajectory);
      env.reset({ seed });
      const snapshot = env.getState();
      for (const [i, physics] of rows(trajectory.states).entries()) {
        env.setState(forced(snapshot, stateName, physics as Float64Array, memories?.[i], elapsed[i] as number));
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
          assertWithin([result.info[key] as number].flat(), values[i] as Float64Array, rewardWithin, `${key} ${i}`);
        }
      }
    });

    test(`${id} runs freely beside Gymnasium: ${title}`, async () => {
      using env = await open(id, trajectory);
      const start = observations[0] as Float64Array;
      assertWithin(env.reset({ seed }).observation as Float64Array, start, reset, 'first observation');
      for (const [i, action] of actions.entries()) {
        const restart = starts.get(i);
        if (restart) assertWithin(env.reset().observation as Float64Array, restart, reset, `start before ${i}`);
        const result = env.step(action);
        const { within: bound } = free.find(({ until }) => (elapsed[i] as number) < until) as { within: number };
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
