import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import { checkEnv } from '../../src/envs/check-env.ts';
import type { Env, StepResult } from '../../src/envs/env.ts';
import { make, specs } from '../../src/envs/registry.ts';

const seed = randomInt(2 ** 31);

for (const { id, maxEpisodeSteps } of specs()) {
  test(`${id} keeps the contract (seed ${seed})`, async () => checkEnv(await make(id), { seed }));

  test(`${id} keeps the contract across its time limit of ${maxEpisodeSteps} cut to 30 (seed ${seed})`, async () => {
    checkEnv(await make(id, { maxEpisodeSteps: 30 }), { seed });
  });

  test(`${id} is what its spec says`, async () => {
    using env = await make(id);
    assert.deepEqual(env.observationSpace.toDocument(), env.spec.observationSpace);
    assert.deepEqual(env.actionSpace.toDocument(), env.spec.actionSpace);
    assert.equal(env.spec.maxEpisodeSteps, maxEpisodeSteps);
  });
}

/** `env` with its steps spoilt. */
function spoilt(env: Env, spoil: (result: StepResult, step: number) => StepResult): Env {
  let steps = 0;
  return new Proxy(env, {
    get(target, name) {
      if (name === 'step') return (action: Float32Array) => spoil(target.step(action), steps++);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const SPOILT: readonly [string, RegExp, (result: StepResult, step: number) => StepResult][] = [
  ['a reward that is not finite', /finite/, (result) => ({ ...result, reward: NaN })],
  [
    'an observation of another dtype',
    /observation of step/,
    (result) => ({ ...result, observation: new Float64Array(3) }),
  ],
  [
    'an observation out of its space',
    /observation of step/,
    (result) => ({ ...result, observation: Float32Array.of(0, 0, 9) }),
  ],
  [
    'a step that depends on more than seed and actions',
    /same trajectory/,
    (result, step) => ({ ...result, reward: step }),
  ],
  ['a flag that is no boolean', /boolean/, (result) => ({ ...result, terminated: 0 as unknown as boolean })],
];

for (const [what, message, spoil] of SPOILT) {
  test(`the checker finds ${what}`, async () => {
    const env = spoilt(await make('Pendulum-v1'), spoil);
    assert.throws(() => checkEnv(env, { seed: 1 }), message);
  });
}
