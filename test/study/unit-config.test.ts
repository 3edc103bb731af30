import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '../../scripts/study/canonical-json.ts';
import { readOptions, UsageError } from '../../scripts/study/options.ts';
import { configHash, type UnitConfig } from '../../scripts/study/unit-config.ts';

const CONFIG: UnitConfig = {
  spec_id: 'Pendulum-v1',
  env_kwargs: {},
  algorithm: 'sac',
  hyperparameters: { batch_size: 16, discount: 0.99 },
  changed_hyperparameters: { batch_size: 16 },
  seed: 1,
  steps: 600,
  evaluation: { every_timesteps: 100, episodes: 2, seed: 3 },
};

test('the digest of a configuration does not depend on the order of its fields', () => {
  const turned = Object.fromEntries(Object.entries(CONFIG).reverse()) as unknown as UnitConfig;
  assert.equal(configHash(turned), configHash(CONFIG));
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'x' }], a: 0.5 }), '{"a":0.5,"b":[1,{"c":"x","d":null}]}');
});

test('what is not said of a field and its absence are the same', () => {
  assert.equal(canonicalJson({ a: 1, b: undefined }), canonicalJson({ a: 1 }));
});

test('the digest changes with everything that decides the numbers, and with nothing else', () => {
  const others: UnitConfig[] = [
    { ...CONFIG, spec_id: 'Hopper-v5' },
    { ...CONFIG, env_kwargs: { g: 9.81 } },
    { ...CONFIG, algorithm: 'td3' },
    { ...CONFIG, changed_hyperparameters: { batch_size: 32 } },
    { ...CONFIG, seed: 2 },
    { ...CONFIG, steps: 700 },
    { ...CONFIG, evaluation: { ...CONFIG.evaluation, episodes: 3 } },
  ];
  assert.equal(new Set([CONFIG, ...others].map(configHash)).size, others.length + 1);
  // A new hyperparameter with a default does not make a new configuration of an old one.
  const grown = { ...CONFIG, hyperparameters: { ...CONFIG.hyperparameters, novelty: false } };
  assert.equal(configHash(grown), configHash(CONFIG));
});

test('a study on the command line gets the defaults of a study in a plan', () => {
  const { studies } = readOptions(
    '--spec Hopper-v5 --steps 1000 --set variant=v1 --set hidden_sizes=[8,8] --seeds 2'.split(' '),
  );
  assert.deepEqual(studies, [
    {
      spec: 'Hopper-v5',
      steps: 1000,
      seeds: 2,
      set: { variant: 'v1', hidden_sizes: [8, 8] },
      env_kwargs: {},
      wrappers: [],
      algo: 'sac',
      seed_from: 1,
      eval_every: 5000,
      eval_episodes: 10,
      prefix_steps: 2000,
      tag: null,
    },
  ]);
});

for (const [line, message] of [
  ['', /--spec and --steps, or --plan/],
  ['--spec Hopper-v5 --steps 1e9.5', /steps is "NaN"/],
  ['--spec ../x --steps 5', /spec is "\.\.\/x"/],
  ['--spec Hopper-v5 --steps 5 --set variant', /--set is "variant"; give key=json/],
  ['--spec Hopper-v5 --steps 5 --sede 1', /Unknown option '--sede'/],
] as const)
  test(`"${line}" is refused, and the message says why`, () => {
    assert.throws(
      () => readOptions(line === '' ? [] : line.split(' ')),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
