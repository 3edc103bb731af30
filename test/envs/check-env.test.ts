import assert from 'node:assert/strict';
import test from 'node:test';
import { checkEnv, examineEnv } from '../../src/envs/check-env.ts';
import type { Env, ResetOptions, StepResult } from '../../src/envs/env.ts';
import { make, specs } from '../../src/envs/registry.ts';
import type { RenderOptions } from '../../src/envs/render/options.ts';
import type { Value } from '../../src/envs/spaces/space.ts';
import { type Tensors, vector } from '../../src/math/tensor.ts';
import { drawSeed } from '../support/seed.ts';

const seed = drawSeed();

for (const { id, maxEpisodeSteps } of specs()) {
  test(`${id} keeps the contract (SEED=${seed})`, () => checkEnv(() => make(id), { seed }));

  test(`${id} keeps the contract across its time limit of ${maxEpisodeSteps} cut to 30 (SEED=${seed})`, () =>
    checkEnv(() => make(id, { maxEpisodeSteps: 30 }), { seed }));

  test(`${id} is what its spec says`, async () => {
    using env = await make(id);
    assert.deepEqual(env.observationSpace.toDocument(), env.spec.observationSpace);
    assert.deepEqual(env.actionSpace.toDocument(), env.spec.actionSpace);
    assert.equal(env.spec.maxEpisodeSteps, maxEpisodeSteps);
  });
}

type Spoil = (env: Env) => Partial<Record<keyof Env, unknown>>;

/** `env` with some of its members spoilt. */
function spoilt(env: Env, spoil: Spoil): Env {
  const members = spoil(env);
  return new Proxy(env, {
    get(target, name) {
      if (name in members) return members[name as keyof Env];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Its steps as `change` makes them; `step` counts those of this environment. */
const withSteps =
  (change: (result: StepResult, step: number) => unknown): Spoil =>
  (env) => {
    let steps = 0;
    return { step: (action: Value) => change(env.step(action), steps++) };
  };
let made = 0;
let looks = 0;
const shared = new Float32Array(3);

/** For each rule an environment that breaks it: every rule can fail. */
const SPOILT: Readonly<Record<string, Spoil>> = {
  step_before_reset: (env) => ({ step: (action: Value) => guarded(env, action) }),
  observation: withSteps((result) => ({ ...result, observation: Float32Array.of(0, 0, 9) })),
  reward: withSteps((result) => ({ ...result, reward: Number.NaN })),
  flags: withSteps((result) => ({ ...result, terminated: 0 })),
  info: withSteps((result) => ({ ...result, info: [] })),
  fresh_observations: (env) => ({
    reset: (options: ResetOptions) => ({ ...env.reset(options), observation: shared.fill(0.5) }),
    step: (action: Value) => {
      const result = env.step(action);
      shared.fill(0.25);
      return result;
    },
  }),
  determinism: (env) => {
    const mine = made++;
    return { step: (action: Value) => ({ ...env.step(action), reward: mine }) };
  },
  reseeding: withSteps((result, step) => ({ ...result, reward: step })),
  same_end: (env) => {
    const mine = made++;
    return { getState: () => ({ ...env.getState(), made: vector(Float64Array.of(mine)) }) };
  },
  seeding: (env) => ({ reset: () => env.reset({ seed: 1 }) }),
  snapshot_copy: (env) => {
    const live = vector(Float64Array.of(0));
    return {
      getState: () => ({ ...env.getState(), live }),
      step: (action: Value) => {
        live.data[0] = (live.data[0] as number) + 1;
        return env.step(action);
      },
    };
  },
  snapshot_restore: (env) => ({ setState: () => env.reset({ seed: 9 }) }),
  snapshot_replay: (env) => {
    let restored = 0;
    return {
      setState: (state: Tensors) => {
        env.setState(state);
        restored++;
      },
      step: (action: Value) => ({ ...env.step(action), reward: restored }),
    };
  },
  picture_size: (env) => ({ render: () => env.render({ width: 16, height: 16 }) }),
  picture_repeats: (env) => ({ render: (options: RenderOptions) => ({ ...env.render(options), looks: looks++ }) }),
  picture_passive: (env) => ({
    render: (options: RenderOptions) => {
      const image = env.render(options);
      env.step(Float32Array.of(1));
      return image;
    },
  }),
  action_space: (env) => ({ actionSpace: spaceOf(env, { contains: (_): _ is Value => false }) }),
  action_shape: (env) => ({ actionSpace: spaceOf(env, { parse: () => Float32Array.of(0) }) }),
  action_finite: (env) => ({ actionSpace: spaceOf(env, { parse: () => Float32Array.of(0) }) }),
  step_after_end: withSteps((result, step) => ({ ...result, terminated: step % 5 === 3 })),
  close: (env) => {
    let closed = 0;
    return {
      close: () => {
        env.close();
        if (closed++ > 0) throw new Error('It is closed already.');
      },
    };
  },
};

/** A step that begins an episode where there is none. */
function guarded(env: Env, action: Value): StepResult {
  try {
    return env.step(action);
  } catch {
    env.reset();
    return env.step(action);
  }
}

function spaceOf(env: Env, spoilt: Partial<Env['actionSpace']>): Env['actionSpace'] {
  const space = env.actionSpace;
  return {
    contains: (value): value is Value => space.contains(value),
    sample: (rng) => space.sample(rng),
    parse: (value, what, place) => space.parse(value, what, place),
    toJson: (value) => space.toJson(value),
    toDocument: () => space.toDocument(),
    ...spoilt,
  };
}

const OPTIONS = { seed: 1, steps: 20 };

for (const [rule, spoil] of Object.entries(SPOILT)) {
  test(`the checker finds a broken ${rule}`, async () => {
    const findings = await examineEnv(async () => spoilt(await make('Pendulum-v1'), spoil), OPTIONS);
    const finding = findings.find(({ name }) => name === rule);
    assert.equal(finding?.passed, false, JSON.stringify(findings));
    assert.ok(finding.detail.length > 10, finding.detail);
  });
}

test('every rule stands in the list of those that can be broken, and holds for what is sound', async () => {
  const findings = await examineEnv(() => make('Pendulum-v1'), OPTIONS);
  assert.deepEqual(
    findings.map(({ name }) => name),
    Object.keys(SPOILT),
  );
  assert.deepEqual(
    findings.filter(({ passed }) => !passed),
    [],
  );
});

test('an environment that throws breaks the rules that could not be seen, and no others', async () => {
  const throwing: Spoil = () => ({
    render: () => {
      throw new Error('no light');
    },
  });
  const findings = await examineEnv(async () => spoilt(await make('Pendulum-v1'), throwing), OPTIONS);
  const broken = findings.filter(({ passed }) => !passed);
  assert.deepEqual(
    broken.map(({ name }) => name),
    ['picture_size', 'picture_repeats', 'picture_passive'],
  );
  assert.match(broken[0]?.detail ?? '', /no light/);
});
