// The checker of vector environments: sound ones pass in every mode, and each rule finds what breaks it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { make } from '../../../src/envs/registry.ts';
import { AUTORESET_MODES, type AutoresetMode } from '../../../src/envs/vector/autoreset.ts';
import type { Batch } from '../../../src/envs/vector/batch.ts';
import { examineVectorEnv } from '../../../src/envs/vector/check-vector-env.ts';
import { VectorEnv } from '../../../src/envs/vector/vector-env.ts';

const OPTIONS = { seed: 1, steps: 30 };
const open = (autoresetMode: AutoresetMode) =>
  VectorEnv.make('CartPole-v1', { numEnvs: 3, autoresetMode, maxEpisodeSteps: 7 });

for (const mode of AUTORESET_MODES) {
  test(`a vector environment with ${mode} keeps the contract`, async () => {
    const findings = await examineVectorEnv(
      () => open(mode),
      () => make('CartPole-v1'),
      OPTIONS,
    );
    assert.deepEqual(
      findings.filter(({ passed }) => !passed),
      [],
    );
  });
}

type Spoil = (envs: VectorEnv) => Partial<Record<keyof VectorEnv, unknown>>;

/** `envs` with some of its members spoilt. */
function spoilt(envs: VectorEnv, spoil: Spoil): VectorEnv {
  const members = spoil(envs);
  return new Proxy(envs, {
    get(target, name) {
      if (name in members) return members[name as keyof VectorEnv];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

let made = 0;

const SPOILT: Readonly<Record<string, Spoil>> = {
  vector_step_before_reset: (envs) => {
    let isFresh = true;
    return {
      step: (actions: Batch) => {
        if (isFresh) envs.reset();
        isFresh = false;
        return envs.step(actions);
      },
    };
  },
  vector_seeding: (envs) => ({ reset: () => envs.reset({ seed: 5 }) }),
  vector_batches: (envs) => ({ step: (actions: Batch) => ({ ...envs.step(actions), rewards: new Float64Array(2) }) }),
  vector_determinism: (envs) => {
    const mine = made++;
    return { step: (actions: Batch) => ({ ...envs.step(actions), infos: { mine: [mine] } }) };
  },
  vector_snapshot: () => ({ setState: () => undefined }),
  vector_autoreset: (envs) => ({
    step: (actions: Batch) => ({ ...envs.step(actions), rewards: new Float64Array(3).fill(1) }),
  }),
};

for (const [rule, spoil] of Object.entries(SPOILT)) {
  test(`the checker finds a broken ${rule}`, async () => {
    const findings = await examineVectorEnv(
      async () => spoilt(await open('NextStep'), spoil),
      () => make('CartPole-v1'),
      OPTIONS,
    );
    assert.equal(findings.find(({ name }) => name === rule)?.passed, false, JSON.stringify(findings));
  });
}
