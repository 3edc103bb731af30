// Wrappers, held to what Gymnasium's made of trajectories: see scripts/record-wrapper-fixtures.py.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Env, ResetResult, StepResult } from '../../../src/envs/env.ts';
import { findSpec, make } from '../../../src/envs/registry.ts';
import type { SpaceDocument, Value } from '../../../src/envs/spaces/space.ts';
import { type WrapperWish, wrapAll } from '../../../src/envs/wrappers/wrapper-registry.ts';
import { type Packed, readFixture, rows, unpack } from '../../fixtures/read.ts';

/** What passed between the wrappers and the environment: observations of resets stand among the others. */
interface Bare {
  readonly id: string;
  readonly seed: number;
  readonly max_episode_steps: number;
  readonly actions: readonly number[] | Packed;
  readonly observations: Packed;
  readonly rewards: Packed;
  readonly ends: readonly (readonly [step: number, terminated: boolean, truncated: boolean])[];
}

interface Case {
  readonly bare: number;
  readonly wrappers: readonly WrapperWish[];
  readonly observation_space: SpaceDocument;
  readonly action_space: SpaceDocument;
  /** Null where they are those of the bare environment. */
  readonly actions: readonly number[] | Packed | null;
  readonly observations: Packed | null;
  readonly rewards: Packed | null;
  readonly episodes: readonly (readonly [step: number, r: number, l: number])[];
}

const { bares, cases } = readFixture<{ bares: readonly Bare[]; cases: readonly Case[] }>('wrappers');

const valuesOf = (recorded: Bare['actions']): readonly Value[] => ('base64' in recorded ? rows(recorded) : recorded);

/** Gives what was recorded, and holds the actions that arrive to those that did then. */
async function replay(bare: Bare): Promise<Env> {
  const { observationSpace, actionSpace, spec } = await make(bare.id);
  const actions = valuesOf(bare.actions);
  const observations = rows(bare.observations);
  const rewards = unpack(bare.rewards);
  const ends = new Map(bare.ends.map(([step, ...flags]) => [step, flags] as const));
  let step = 0;
  let next = 0;
  const observe = () => observations[next++] as Value;
  const unused = () => assert.fail('not replayed');
  return {
    spec: { ...spec, maxEpisodeSteps: bare.max_episode_steps },
    observationSpace,
    actionSpace,
    reset: () => ({ observation: observe(), info: {} }),
    step(action) {
      assert.deepEqual(action, actions[step], `action of step ${step}`);
      const [terminated, truncated] = ends.get(step) ?? [false, false];
      const reward = rewards[step++] as number;
      return { observation: observe(), reward, terminated, truncated, info: {} };
    },
    getState: unused,
    setState: unused,
    render: unused,
    close() {},
    [Symbol.dispose]() {},
  };
}

/** Takes the recorded actions, with a reset wherever an episode ends. */
function run(
  env: Env,
  recorded: Case,
  bare: Bare,
  check: (place: number, actual: ResetResult | StepResult, expected: Value) => void,
): { rewards: number[]; episodes: unknown[] } {
  const observations = rows(recorded.observations ?? bare.observations);
  const rewards: number[] = [];
  const episodes: unknown[] = [];
  let next = 0;
  const checkNext = (actual: ResetResult | StepResult) => check(next, actual, observations[next++] as Value);
  checkNext(env.reset({ seed: bare.seed }));
  for (const [step, action] of valuesOf(recorded.actions ?? bare.actions).entries()) {
    const result = env.step(action);
    checkNext(result);
    rewards.push(result.reward);
    const statistics = result.info['episode'] as { r: number; l: number } | undefined;
    if (statistics) episodes.push([step, statistics.r, statistics.l]);
    if (result.terminated || result.truncated) checkNext(env.reset());
  }
  assert.equal(next, observations.length);
  return { rewards, episodes };
}

for (const recorded of cases) {
  const bare = bares[recorded.bare] as Bare;
  const title = `${recorded.wrappers.map(({ name, kwargs }) => `${name} ${JSON.stringify(kwargs)}`).join(', ')} on ${bare.id}`;

  test(`${title}: from what Gymnasium's environment gave, Gymnasium's very numbers`, async () => {
    const inner = await replay(bare);
    const env = wrapAll(inner, inner, recorded.wrappers);
    assert.deepEqual(env.observationSpace.toDocument(), compact(recorded.observation_space));
    assert.deepEqual(env.actionSpace.toDocument(), compact(recorded.action_space));
    const { rewards, episodes } = run(env, recorded, bare, (place, { observation }, expected) =>
      assert.deepEqual(observation, expected, `observation ${place}`),
    );
    assert.deepEqual(rewards, Array.from(unpack(recorded.rewards ?? bare.rewards)));
    assert.deepEqual(episodes, recorded.episodes);
  });

  test(`${title}: as \`make\` puts them around the environment`, async () => {
    const { wrappers } = recorded;
    using env = await make(bare.id, { wrappers, maxEpisodeSteps: bare.max_episode_steps });
    assert.equal(findSpec(bare.id).id, env.spec.id);
    const isRobot = bare.id === 'HalfCheetah-v5';
    const { rewards } = run(env, recorded, bare, (place, { observation }, expected) => {
      if (!isRobot) assert.deepEqual(observation, expected, `observation ${place}`);
      // MuJoCo's builds differ in last bits, which contacts multiply (1.3e-6 at step 27): see ../parity.test.ts.
      else if (place <= 20) assertNear(observation, expected, `observation ${place}`);
    });
    const expected = unpack(recorded.rewards ?? bare.rewards);
    // One float32 unit of a torque's cost: see ../parity.test.ts.
    const compared = isRobot ? 20 : expected.length;
    assertNear(Float64Array.from(rewards.slice(0, compared)), expected.slice(0, compared), 'rewards');
  });
}

/** One number where all bounds are equal, as the API writes bounds. */
function compact(space: SpaceDocument): SpaceDocument {
  if (space.type !== 'Box') return space;
  const one = (bounds: unknown) => {
    const all = [bounds].flat(Infinity);
    return all.every((bound) => bound === all[0]) ? all[0] : bounds;
  };
  return { ...space, low: one(space.low), high: one(space.high) } as SpaceDocument;
}

function assertNear(actual: Value, expected: Value, what: string): void {
  const [a, b] = [actual, expected] as [Float64Array, Float64Array];
  assert.equal(a.constructor, b.constructor);
  assert.equal(a.length, b.length);
  for (const [i, x] of b.entries()) {
    const error = Math.abs((a[i] as number) - x) / Math.max(1, Math.abs(x));
    assert.ok(error <= 1e-6, `${what}[${i}] is off by ${error}`);
  }
}
