// The training loop of several environments, with environments that know what they did: what is told when, when it ends, and a resume.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionCodec } from '../../src/agent/action-codec.ts';
import type { Experience, Learner, Policy, Transition } from '../../src/agent/algorithm.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import type { Env, ResetOptions, StepResult } from '../../src/envs/env.ts';
import { type Tensors, take, vector } from '../../src/math/tensor.ts';
import { train } from '../../src/training/trainer.ts';
import { copied, learnerOf, starting } from '../agent/support/learners.ts';
import { box } from '../support/sac-graph.ts';

type Plan = Parameters<typeof train>[0];
type Hooks = Parameters<typeof train>[1];

/** Episodes of a fixed length that terminate and are cut off in turn; states that actions move, and a stream that a seed sets. */
class FakeEnv {
  readonly length: number;
  readonly resets: (number | undefined)[] = [];
  readonly rewards: number[] = [];
  #x = 0;
  #step = 0;
  #episodes = 0;

  constructor(length: number) {
    this.length = length;
  }

  reset({ seed }: ResetOptions = {}) {
    this.resets.push(seed);
    this.#x = Math.sin(seed ?? this.#x * 1000);
    this.#step = 0;
    return { observation: this.#observation(), info: {} };
  }

  step(action: Float32Array): StepResult {
    this.#step += 1;
    this.#x = Math.sin(this.#x + (action[0] as number));
    const ends = this.#step === this.length;
    this.#episodes += Number(ends);
    const terminated = ends && this.#episodes % 2 === 0;
    const reward = this.#x - (action[1] as number);
    this.rewards.push(reward);
    return { observation: this.#observation(), reward, terminated, truncated: ends && !terminated, info: {} };
  }

  #observation = (): Float64Array => Float64Array.of(this.#x, this.#step / this.length);

  getState(): Tensors {
    return { all: vector(Float64Array.of(this.#x, this.#step, this.#episodes)) };
  }

  setState(state: Tensors): void {
    [this.#x = 0, this.#step = 0, this.#episodes = 0] = take(state, 'all', Float64Array).data;
  }
}

const asEnv = (env: object): Env => Object.assign(env, { spec: { maxEpisodeSteps: null } }) as unknown as Env;

/** Episodes of one step, with the returns of a script; after its end, the last one. */
function scripted(returns: readonly number[]): Env {
  let played = 0;
  return asEnv({
    reset: () => ({ observation: new Float64Array(2), info: {} }),
    step: () => {
      const reward = returns[Math.min(played++, returns.length - 1)] as number;
      return { observation: new Float64Array(2), reward, terminated: true, truncated: false, info: {} };
    },
  });
}

const idlePolicy: Policy = {
  act: async () => new Float32Array(2),
  setState: () => undefined,
  dispose: async () => undefined,
};

/** Counts, and learns nothing: one update a step. */
function idleLearner(): Learner & { readonly seen: (readonly Transition[])[]; readonly observed: number[][] } {
  const [seen, observed]: [(readonly Transition[])[], number[][]] = [[], []];
  let [steps, updates, due] = [0, 0, 0];
  return {
    engineIdentity: 'idle',
    seen,
    observed,
    explore: async (observations) => {
      observed.push([...observations]);
      return Float32Array.from(observations, (_, i) => Math.sin(i + steps));
    },
    observe: (transitions) => {
      // The arrays are the loop's own.
      seen.push(
        transitions.map((one) => ({ ...one, action: one.action.slice(), observation: one.observation.slice() })),
      );
      steps += 1;
      due = 2;
    },
    absorb: () => assert.fail('a trainer hands over whole steps'),
    updatesDue: () => due,
    update: async () => {
      due -= 1;
      updates += 1;
      return 1;
    },
    takeMetrics: () => ({ updates }),
    policyState: () => ({}),
    getState: () => ({}),
    getExperience: () => ({ tensors: { steps: vector(Float64Array.of(steps)) }, segments: [] }),
    setExperience: (experience) => {
      steps = take(experience, 'steps', Float64Array).data[0] as number;
    },
    dispose: async () => undefined,
  };
}

interface Row {
  readonly at: number;
  readonly what: string;
  readonly value?: unknown;
}
interface Saved {
  readonly at: number;
  readonly isBest: boolean;
  readonly model: Tensors;
  readonly experience: Tensors;
}

function recording(): { hooks: Hooks; rows: Row[]; saved: Saved[]; of(what: string): number[] } {
  const [rows, saved]: [Row[], Saved[]] = [[], []];
  return {
    rows,
    saved,
    of: (what) => rows.filter((row) => row.what === what).map(({ at }) => at),
    hooks: {
      isCancelled: () => false,
      takeCheckpointRequest: () => false,
      progress: () => undefined,
      metrics: (at, value) => rows.push({ at, what: 'metrics', value }),
      episode: (at, value) => rows.push({ at, what: 'episode', value }),
      evaluated: (at, value) => rows.push({ at, what: 'evaluation', value }),
      restored: () => undefined,
      checkpoint: (at, { model, experience, isBest }) =>
        saved.push({ at, isBest, model: structuredClone(model), experience: copied(experience as Experience) }),
      publish: () => undefined,
    },
  };
}

const planOf = (more: Partial<Plan>): Plan =>
  ({
    envs: [5, 7, 11].map((length) => asEnv(new FakeEnv(length))),
    learner: idleLearner(),
    codec: actionCodec(box(2)),
    seed: 100,
    timesteps: 0,
    endTimesteps: 1600,
    experience: () => null,
    resumes: false,
    evaluation: null,
    checkpointEveryTimesteps: null,
    checkpointEverySeconds: null,
    ...more,
  }) as Plan;

const evaluating = (returns: readonly number[], more: Partial<NonNullable<Plan['evaluation']>> = {}) => ({
  env: scripted(returns),
  policy: idlePolicy,
  everyTimesteps: 200,
  episodes: 1,
  seed: 0,
  targetReturn: null,
  patience: null,
  ...more,
});

test('of three environments, rows come with the step that reaches or passes their multiple, once, and a curve begins at 0', async () => {
  const { hooks, of, saved } = recording();
  const outcome = await train(planOf({ evaluation: evaluating([1]), checkpointEveryTimesteps: 350 }), hooks);
  assert.equal(outcome, 'finished');
  // Steps of three: 500 → 501, 1000 → 1002, 1500.
  assert.deepEqual(of('metrics'), [501, 1002, 1500]);
  assert.deepEqual(of('evaluation'), [0, 201, 402, 600, 801, 1002, 1200, 1401, 1602]);
  // The first evaluation is the best so far; 350, 700, 1050, 1400; and the end, which passes 1600.
  assert.deepEqual(
    saved.map(({ at }) => at),
    [0, 351, 702, 1050, 1401, 1602],
  );
});

test('an agent that was trained before goes on with its own count, which need not be a multiple of anything', async () => {
  const { hooks, of, saved } = recording();
  const more = { timesteps: 1000, endTimesteps: 1601, evaluation: evaluating([1, 2]), checkpointEveryTimesteps: 250 };
  await train(planOf(more), hooks);
  assert.deepEqual(of('metrics'), [1501]);
  assert.deepEqual(of('evaluation'), [1201, 1402, 1600]);
  // The evaluation at 1201 is the best of this run so far, and so is that at 1402; 1250, 1500 and the end.
  assert.deepEqual(
    saved.map(({ at, isBest }) => [at, isBest]),
    [
      [1201, true],
      [1252, false],
      [1402, true],
      [1501, false],
      [1603, false],
    ],
  );
});

test('more environments than the distance between rows give a row with each step', async () => {
  const { hooks, of } = recording();
  await train(planOf({ endTimesteps: 9, evaluation: evaluating([1], { everyTimesteps: 2 }) }), hooks);
  assert.deepEqual(of('evaluation'), [0, 3, 6, 9]);
});

test('episodes of each lane are told with their own return and length, in the order of lanes, and counted together', async () => {
  const { hooks, rows } = recording();
  const envs = [5, 7, 11].map((length) => new FakeEnv(length));
  await train(planOf({ envs: envs.map(asEnv), endTimesteps: 120 }), hooks);
  const expected: Row[] = [];
  for (let step = 1; step <= 40; step += 1) {
    for (const { length, rewards } of envs) {
      if (step % length !== 0) continue;
      const total = rewards.slice(step - length, step).reduce((sum, reward) => sum + reward, 0);
      expected.push({ at: 3 * step, what: 'episode', value: { return: total, length, episode: expected.length + 1 } });
    }
  }
  assert.ok(expected.length > 15);
  assert.deepEqual(
    rows.filter(({ what }) => what === 'episode'),
    expected,
  );
  // Seeds by lane for the first episode; after that the environment's own stream.
  for (const [lane, { resets }] of envs.entries()) {
    assert.equal(resets[0], 100 + lane);
    assert.ok(resets.length > 3 && resets.slice(1).every((seed) => seed === undefined));
  }
});

test('each lane goes on from its own observation, or from the first of its next episode, and endings stay apart', async () => {
  const learner = idleLearner();
  const lengths = [5, 7, 11];
  await train(planOf({ learner, endTimesteps: 120 }), recording().hooks);
  for (const [step, transitions] of learner.seen.entries()) {
    assert.equal(transitions.length, 3);
    for (const [lane, one] of transitions.entries()) {
      const length = lengths[lane] as number;
      const [ends, episode] = [(step + 1) % length === 0, Math.floor(step / length) + 1];
      assert.deepEqual([one.terminated, one.truncated], [ends && episode % 2 === 0, ends && episode % 2 === 1]);
      const shown = (learner.observed[step] as number[]).slice(2 * lane, 2 * lane + 2);
      assert.deepEqual([...one.observation], shown);
      assert.equal(shown[1], (step % length) / length, 'the clock of the episode');
      assert.equal(
        one.nextObservation[1],
        ((step % length) + 1) / length,
        'what the episode ended with, not what came next',
      );
      assert.deepEqual([...one.action], [Math.sin(2 * lane + step), Math.sin(2 * lane + 1 + step)].map(Math.fround));
      const [before, after] = [learner.seen[step - 1]?.[lane], one];
      if (before !== undefined && step % length !== 0) assert.deepEqual(after.observation, before.nextObservation);
    }
  }
});

const ENDINGS = [
  // An evaluation at 0, 201, 402, …
  { returns: [1, 2, 5, 9], target: 4, patience: null, outcome: 'target_reached', end: 402, best: [0, 201, 402] },
  { returns: [4, 9], target: 4, patience: null, outcome: 'target_reached', end: 0, best: [0] },
  { returns: [3, 2, 4, 4, 1, 9], target: null, patience: 2, outcome: 'no_improvement', end: 801, best: [0, 402] },
  { returns: [3, 2, 1, 0], target: 100, patience: 3, outcome: 'no_improvement', end: 600, best: [0] },
  {
    returns: [3, 2, 4, 3, 5, 4, 6, 5, 7],
    target: null,
    patience: 2,
    outcome: 'finished',
    end: 1602,
    best: [0, 402, 801, 1200, 1602],
  },
  { returns: [1, 5, 5, 5], target: 5, patience: 1, outcome: 'target_reached', end: 201, best: [0, 201] },
] as const;

for (const { returns, target, patience, outcome, end, best } of ENDINGS) {
  test(`evaluations of ${returns} with target ${target} and patience ${patience} end at ${end}: ${outcome}`, async () => {
    const { hooks, of, saved } = recording();
    const evaluation = evaluating(returns, { targetReturn: target, patience });
    assert.equal(await train(planOf({ evaluation }), hooks), outcome);
    assert.equal(of('evaluation').at(-1), end);
    assert.deepEqual(
      saved.filter(({ isBest }) => isBest).map(({ at }) => at),
      best,
    );
    assert.equal(saved.at(-1)?.at, end, 'the last state is kept');

    // The owner was lost once the last checkpoint was written: the run ends again without a step, and says the same.
    const last = saved.at(-1);
    if (outcome === 'finished' || last === undefined) return;
    const again = recording();
    const learner = idleLearner();
    const plan = planOf({
      learner,
      evaluation: evaluating([0], { targetReturn: target, patience }),
      timesteps: last.at,
      experience: () => last.experience,
      resumes: true,
    });
    assert.equal(await train(plan, again.hooks), outcome);
    assert.equal(learner.seen.length, 0);
    assert.deepEqual(again.of('evaluation'), []);
  });
}

test('another run of the same agent measures itself by its own evaluations, not by those of the run before', async () => {
  const first = recording();
  await train(planOf({ endTimesteps: 600, evaluation: evaluating([9, 9, 9], { patience: 5 }) }), first.hooks);
  const { experience, at } = first.saved.at(-1) as Saved;
  const second = recording();
  const more = { timesteps: at, endTimesteps: 1200, experience: () => experience, resumes: false };
  assert.equal(
    await train(planOf({ ...more, evaluation: evaluating([1, 2, 3], { patience: 1 }) }), second.hooks),
    'finished',
  );
  assert.deepEqual(
    second.saved.filter(({ isBest }) => isBest).map((one) => one.at),
    [801, 1002, 1200],
  );
});

const EVERYTHING = {
  n_steps: 3,
  observation_normalization: true,
  reward_normalization: 'automatic',
  exploration_noise: 'ornstein_uhlenbeck',
  learning_rate: [
    [0, 1e-2],
    [60, 1e-3],
  ],
  policy_delay: 2,
  target_update: 'hard',
  target_update_interval: 5,
  train_frequency: 6,
};

for (const given of [
  { what: 'v2 by default', hyperparameters: {} },
  { what: 'v2 with everything', hyperparameters: EVERYTHING },
  { what: 'v1 with everything', hyperparameters: { ...EVERYTHING, variant: 'v1', layer_norm: 'critics' } },
]) {
  test(`${given.what}: four lanes interrupted in mid-episode write the same rows and the same bytes as undisturbed`, async () => {
    const start = starting(71, given.hyperparameters, { lanes: 4 });
    const policyOf = () => sac.createPolicy({ ...start, engine: onnxCpuEngine, state: fresh });
    const learner = await learnerOf(start);
    const fresh = learner.getState();
    const lengths = [5, 7, 11, 13];
    const plan = (used: Learner, policy: Policy, more: Partial<Plan>): Plan =>
      planOf({
        envs: lengths.map((length) => asEnv(new FakeEnv(length))),
        learner: used,
        endTimesteps: 1010,
        evaluation: {
          ...evaluating([]),
          env: asEnv(new FakeEnv(6)),
          policy,
          everyTimesteps: 150,
          episodes: 2,
          patience: 100,
        },
        checkpointEveryTimesteps: 130,
        ...more,
      });
    const straight = recording();
    const policy = await policyOf();
    await train(plan(learner, policy, {}), straight.hooks);
    assert.ok((learner.getState()['updates']?.data[0] as number) > 100);
    // Early and late; 132 is in mid-episode of three lanes, and 652 lies between two rows of metrics.
    for (const at of [132, 652]) {
      const saved = straight.saved.find((one) => one.at === at) as Saved;
      const resumed = await learnerOf({ ...start, seed: 5 }, saved.model);
      const after = recording();
      await train(
        plan(resumed, policy, { timesteps: at, experience: () => saved.experience, resumes: true, seed: 3 }),
        after.hooks,
      );
      assert.deepEqual(
        after.rows,
        straight.rows.filter((row) => row.at > at),
      );
      assert.deepEqual(
        after.saved,
        straight.saved.filter((one) => one.at > at),
      );
      await resumed.dispose();
    }
    await Promise.all([learner.dispose(), policy.dispose()]);
  });
}

test('fewer environments than before begin episodes of their own, and what was learnt stays', async () => {
  const start = starting(72, EVERYTHING, { lanes: 4 });
  const four = await learnerOf(start);
  const first = recording();
  const envs = (count: number) => [5, 7, 11, 13].slice(0, count).map((length) => new FakeEnv(length));
  await train(planOf({ envs: envs(4).map(asEnv), learner: four, endTimesteps: 200 }), first.hooks);
  const { model, experience } = first.saved.at(-1) as Saved;
  const two = await learnerOf({ ...start, lanes: 2 }, model);
  const second = recording();
  const fresh = envs(2);
  const more = { timesteps: 200, endTimesteps: 260, experience: () => experience, seed: 40 };
  assert.equal(await train(planOf({ envs: fresh.map(asEnv), learner: two, ...more }), second.hooks), 'finished');
  assert.deepEqual(
    fresh.map(({ resets }) => resets[0]),
    [40, 41],
  );
  const before = model['updates']?.data[0] as number;
  assert.ok((two.getState()['updates']?.data[0] as number) > before);
  await Promise.all([four.dispose(), two.dispose()]);
});
