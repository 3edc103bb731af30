// Hyperparameters, spaces and names: what is taken, and how what is not is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { algorithms, findAlgorithm } from '../../src/agent/algorithm-registry.ts';
import { sacConfig } from '../../src/agent/algorithms/sac/config.ts';
import { PRESETS } from '../../src/agent/algorithms/sac/presets.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { SAC_SCHEMA } from '../../src/agent/algorithms/sac/schema.ts';
import type { BoxDocument, SpaceDocument } from '../../src/envs/spaces/space.ts';
import { DomainError, type ErrorCode } from '../../src/errors.ts';

const refuses =
  (code: ErrorCode, ...words: string[]) =>
  (thrown: unknown): boolean => {
    assert.ok(thrown instanceof DomainError && thrown.code === code, String(thrown));
    for (const word of words) assert.ok(thrown.message.includes(word), `"${thrown.message}" should say ${word}`);
    return true;
  };

test('nothing given is every default, and the argument is left alone', () => {
  const given = Object.freeze({ discount: 0.9 });
  const resolved = sac.resolve(given, 'none');
  assert.equal(resolved['discount'], 0.9);
  assert.equal(resolved['learning_rate'], 3e-4);
  assert.deepEqual(resolved['hidden_sizes'], [256, 256]);
  assert.equal(resolved['temperature'], null);
  assert.deepEqual(sac.resolve(resolved, 'none'), resolved);
});

const PROPERTIES = Object.entries(SAC_SCHEMA.properties) as unknown as readonly (readonly [string, Property])[];

interface Property {
  readonly type: string | readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** What nobody may give to a field of this kind, beside what is out of its range. */
function wrongFor({ type, enum: choices, minimum, exclusiveMinimum, maximum }: Property): unknown[] {
  const types = [type].flat();
  const takes = (name: string) => types.includes(name);
  return [
    'other',
    { value: 1 },
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    ...(takes('boolean') ? [0, 1, 'true'] : [true]),
    ...(takes('null') ? [] : [null]),
    ...(takes('array') ? [[], [[]], ['1'], [null]] : [[], [1]]),
    ...(takes('integer') ? [1.5, '1'] : []),
    ...(choices === undefined ? [] : [`${choices[0]} `, choices[0]?.toUpperCase()]),
    ...(minimum === undefined ? [] : [minimum - 1, -1e300]),
    ...(exclusiveMinimum === undefined ? [] : [exclusiveMinimum, -1]),
    ...(maximum === undefined ? [] : [maximum * 1.5 + 1, 1e300]),
  ];
}

/** The value as the message must show it. */
const asShown = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) as string);

/** What the message must say is allowed. */
function rangeOf({ enum: choices, minimum, exclusiveMinimum, maximum }: Property): string[] {
  if (choices !== undefined) return choices.map((choice) => `"${choice}"`);
  return [
    ...(minimum === undefined ? [] : [`≥ ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`≤ ${maximum}`]),
  ];
}

for (const [name, property] of PROPERTIES) {
  test(`what "${name}" does not take is refused with its name, the value and what is allowed`, () => {
    for (const value of wrongFor(property)) {
      const words = [`"${name}" is ${asShown(value)};`, 'allowed is', ...rangeOf(property)];
      assert.throws(() => sac.resolve({ [name]: value }, 'none'), refuses('invalid_hyperparameter', ...words));
    }
  });
}

const BAD: readonly (readonly [Record<string, unknown>, ...string[]])[] = [
  [{ learning_rat: 1e-3 }, 'learning_rat', 'Did you mean "learning_rate"'],
  [{ hidden_sizes: [256, 0] }, '"hidden_sizes" is [256,0]', 'integers, each ≥ 1 and ≤ 4096'],
  [{ hidden_sizes: [256, 4097] }, '"hidden_sizes" is [256,4097]', '1 to 8'],
  [{ hidden_sizes: Array(9).fill(4) }, '"hidden_sizes" is [4,4,4', '1 to 8'],
  [{ hidden_sizes: [Number.NaN] }, '"hidden_sizes" is [NaN]'],
  [{ preset: 'sb3', variant: 'v3' }, '"variant" is "v3"', '["v2","v1"]'],
  [{ variant: 'constructor' }, '"variant" is "constructor"'],
];
// A schedule is refused under each name that takes one.
const BAD_SCHEDULES: readonly (readonly [unknown, string])[] = [
  [[], 'is []'],
  [[[0]], 'is [[0]]'],
  [[[0, 1e-3, 1]], 'is [[0,0.001,1]]'],
  [[[0, -1e-3]], 'is [[0,-0.001]]'],
  [[[0, 1.5]], 'is [[0,1.5]]'],
  [[[0, Number.NaN]], 'is [[0,NaN]]'],
  [[[0, 'fast']], 'is [[0,"fast"]]'],
  [[[-1, 1e-3]], 'is [[-1,0.001]]'],
  [[[0.5, 1e-3]], 'is [[0.5,0.001]]'],
  [[0, 1e-3], 'is [0,0.001]'],
  [{ 0: 1e-3 }, 'is {"0":0.001}'],
  [
    [
      [5, 1e-3],
      [4, 1e-3],
    ],
    'has the point [4,0.001] after [5,0.001]; the updates of a schedule must rise',
  ],
  [
    [
      [0, 1e-3],
      [7, 1e-3],
      [7, 1e-4],
    ],
    'has the point [7,0.0001] after [7,0.001]',
  ],
  [Array.from({ length: 101 }, (_, index) => [index, 1e-3]), 'is [[0,0.001],[1,0.001]'],
];
const RATES = ['learning_rate', 'actor_learning_rate', 'critic_learning_rate', 'temperature_learning_rate'];

for (const [given, ...words] of [
  ...BAD,
  ...RATES.flatMap((name) =>
    BAD_SCHEDULES.map(([value, ...said]) => [{ [name]: value }, `"${name}"`, ...said] as const),
  ),
]) {
  test(`${JSON.stringify(given).slice(0, 60)} is refused: ${words.join(' ')}`, () =>
    void assert.throws(() => sac.resolve(given, 'none'), refuses('invalid_hyperparameter', ...words)));
}

const refusedShape = 'or a list of 1 to 100 points [update, rate]';
test('a refused schedule is told what one looks like', () =>
  void assert.throws(
    () => sac.resolve({ learning_rate: [[0]] }, 'none'),
    refuses('invalid_hyperparameter', refusedShape),
  ));

test('a rate by points is straight between them, and level before the first and after the last', () => {
  const points = [
    [10, 1e-3],
    [20, 3e-3],
    [40, 1e-3],
  ];
  const { actorLearningRate: rate, criticLearningRate } = sacConfig(
    sac.resolve({ actor_learning_rate: points, learning_rate: 0.5 }, 'none'),
    1,
  );
  // Two roundings of a float64 line.
  for (const [update, expected] of [
    [0, 1e-3],
    [10, 1e-3],
    [11, 1.2e-3],
    [15, 2e-3],
    [20, 3e-3],
    [30, 2e-3],
    [39, 1.1e-3],
    [40, 1e-3],
    [1e9, 1e-3],
  ] as const)
    assert.ok(Math.abs(rate(update) - expected) < 1e-15, `${update}: ${rate(update)}`);
  assert.equal(criticLearningRate(15), 0.5);
  assert.equal(sacConfig(sac.resolve({ learning_rate: [[5, 0.25]] }, 'none'), 1).actorLearningRate(3), 0.25);
});

/** Another value than the default for each field. */
const OTHER: Readonly<Record<string, readonly [value: unknown]>> = {
  variant: ['v1'],
  learning_rate: [1e-2],
  actor_learning_rate: [1e-2],
  critic_learning_rate: [1e-2],
  temperature_learning_rate: [[[0, 1e-2]]],
  max_gradient_norm: [0.5],
  hidden_sizes: [[3]],
  activation: ['silu'],
  layer_norm: ['all'],
  n_critics: [3],
  discount: [0.9],
  n_steps: [3],
  target_update: ['hard'],
  target_smoothing: [0.1],
  target_update_interval: [5],
  replay_capacity: [77],
  batch_size: [8],
  learning_starts: [9],
  train_frequency: [10],
  gradient_steps: [-1],
  policy_delay: [2],
  reward_scale: [2],
  reward_normalization: ['automatic'],
  observation_normalization: [true],
  temperature: [0.3],
  initial_temperature: [0.4],
  target_entropy: [-7],
  exploration_noise: ['gaussian'],
  exploration_noise_std: [0.7],
};

test('no hyperparameter is forgotten: another value of each, and of it alone, means something else', () => {
  // The preset has done its work once hyperparameters are resolved.
  assert.deepEqual(new Set(['preset', ...Object.keys(OTHER)]), new Set(PROPERTIES.map(([name]) => name)));
  const meaning = (given: Record<string, unknown>) =>
    Object.entries(sacConfig(sac.resolve(given, 'none'), 2)).map(([name, value]) => [
      name,
      typeof value === 'function' ? [0, 100].map(value) : value,
    ]);
  const usual = meaning({});
  const seen = new Set<string>();
  for (const [name, [value]] of Object.entries(OTHER)) {
    const differs = meaning({ [name]: value }).filter((entry, index) => !isDeepStrictEqual(entry, usual[index]));
    assert.ok(differs.length > 0, `${name} is forgotten`);
    for (const [field] of differs) seen.add(field as string);
  }
  assert.deepEqual(seen, new Set(usual.map(([field]) => field)), 'and each field of the code can be set');
});

test('null stands for what the description says', () => {
  const v2 = sacConfig(sac.resolve({ learning_rate: 0.25 }, 'none'), 6);
  assert.deepEqual(
    [v2.actorLearningRate(0), v2.criticLearningRate(0), v2.temperatureLearningRate(0)],
    [0.25, 0.25, 0.25],
  );
  assert.deepEqual([v2.targetEntropy, v2.temperature, v2.maxGradientNorm], [-6, null, Number.POSITIVE_INFINITY]);
  assert.equal(sacConfig(sac.resolve({ variant: 'v1' }, 'none'), 6).temperature, 1);
  assert.equal(sacConfig(sac.resolve({ variant: 'v1', temperature: 0.5 }, 'none'), 6).temperature, 0.5);
  assert.equal(sacConfig(sac.resolve({ target_update: 'hard', target_smoothing: 0.3 }, 'none'), 6).targetSmoothing, 1);
});

test('an agent that was stored before a hyperparameter existed goes on as it was', () => {
  const { discount, batch_size } = sac.resolve({ discount: 0.9 }, 'none') as Record<string, number>;
  const stored = { variant: 'v2', discount: discount as number, batch_size: batch_size as number };
  const [old, now] = [sacConfig(stored, 1), sacConfig(sac.resolve({ discount: 0.9 }, 'none'), 1)];
  const plain = (config: object) => JSON.parse(JSON.stringify(config));
  assert.deepEqual(plain(old), plain(now));
  assert.equal(old.actorLearningRate(0), now.actorLearningRate(0));
});

const PRESET_CASES: readonly (readonly [
  what: string,
  given: Record<string, unknown>,
  spec: string,
  expected: Record<string, unknown>,
])[] = [
  ['v2 takes those of v2', {}, 'Hopper-v5', { learning_starts: 10_000, reward_scale: 1, preset: 'auto' }],
  ['v1 takes those of v1', { variant: 'v1' }, 'Hopper-v5', { learning_starts: 1000, reward_scale: 5 }],
  ['Humanoid has its own scale', { variant: 'v1' }, 'Humanoid-v5', { reward_scale: 20 }],
  ['v1 knows nothing of Pendulum', { variant: 'v1' }, 'Pendulum-v1', { learning_rate: 3e-4 }],
  ['none takes none', { preset: 'none' }, 'Hopper-v5', { learning_starts: 1000, preset: 'none' }],
  ['a given value wins', { learning_starts: 7 }, 'Hopper-v5', { learning_starts: 7 }],
  ['a given default wins, too', { learning_starts: 1000 }, 'Hopper-v5', { learning_starts: 1000 }],
  ['a given null wins, too', { temperature: null }, 'MountainCarContinuous-v0', { temperature: null, batch_size: 512 }],
  ['what nobody published has defaults', {}, 'Nobody-v0', { learning_starts: 1000, learning_rate: 3e-4 }],
  ['a name that every object has is no environment', {}, 'constructor', { learning_starts: 1000 }],
];

for (const [what, given, spec, expected] of PRESET_CASES) {
  test(`presets: ${what}`, () => {
    const resolved = sac.resolve(Object.freeze(given), spec);
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(resolved[name], value, name);
    assert.deepEqual(
      Object.keys(resolved).toSorted(),
      PROPERTIES.map(([name]) => name).toSorted(),
      'every field is shown',
    );
  });
}

test('every preset is one that its variant takes, and what is resolved stays as it is, here and elsewhere', () => {
  let count = 0;
  for (const [variant, presets] of Object.entries(PRESETS)) {
    for (const [spec, settings] of Object.entries(presets)) {
      const resolved = sac.resolve({ variant }, spec);
      for (const [name, value] of Object.entries(settings)) assert.deepEqual(resolved[name], value, `${spec} ${name}`);
      const stored = JSON.parse(JSON.stringify(resolved));
      for (const other of [spec, 'none', 'Humanoid-v5']) assert.deepEqual(sac.resolve(stored, other), resolved);
      count += 1;
    }
  }
  assert.ok(count > 10);
  assert.deepEqual((sac.hyperparameters as { 'x-presets': unknown })['x-presets'], PRESETS);
});

test("resolved hyperparameters are nobody's to change, and changing what was given changes nothing", () => {
  const given = { hidden_sizes: [8, 8] };
  const resolved = sac.resolve(given, 'none');
  given.hidden_sizes.push(9);
  assert.deepEqual(resolved['hidden_sizes'], [8, 8]);
  assert.ok(Object.isFrozen(resolved));
  const mountain = sac.resolve({}, 'MountainCarContinuous-v0')['hidden_sizes'] as number[];
  mountain.push(1);
  assert.deepEqual(sac.resolve({}, 'MountainCarContinuous-v0')['hidden_sizes'], [64, 64]);
});

const box = (shape: number[], low: BoxDocument['low'] = -1, high: BoxDocument['high'] = 1): BoxDocument => ({
  type: 'Box',
  dtype: 'float32',
  shape,
  low,
  high,
});
const SPACES: readonly (readonly [string, SpaceDocument, SpaceDocument, string])[] = [
  ['discrete actions', box([3]), { type: 'Discrete', n: 4, start: 0 }, 'Discrete(4)'],
  ['discrete observations', { type: 'Discrete', n: 16, start: 0 }, box([1]), 'Discrete(16)'],
  ['images', box([8, 8]), box([1]), '[8,8]'],
  ['unbounded actions', box([3]), box([2], '-Infinity', 'Infinity'), 'not finite'],
  ['actions with one open side', box([3]), box([2], [-1, -1], [1, 'Infinity']), 'not finite'],
];

for (const [name, observation, action, word] of SPACES) {
  test(`${name} are refused`, () =>
    void assert.throws(() => sac.checkSpaces(observation, action), refuses('unsupported_space', word)));
}

test('an unbounded observation is taken', () => {
  const observation = box([3], '-Infinity', 'Infinity');
  assert.deepEqual(sac.checkSpaces(observation, box([1])), { observation, action: box([1]) });
});

test('every hyperparameter is described and has a default that its own schema takes', () => {
  const { properties } = sac.hyperparameters as {
    properties: Record<string, { description?: string; default?: unknown }>;
  };
  for (const [name, { description, default: value }] of Object.entries(properties)) {
    assert.ok(description !== undefined && value !== undefined, name);
    assert.deepEqual(sac.resolve({ [name]: value }, 'none')[name], value);
  }
});

test('algorithms are found by name, and a slip is told', () => {
  assert.ok(algorithms().includes(sac));
  assert.equal(findAlgorithm('sac'), sac);
  assert.throws(() => findAlgorithm('sca'), refuses('algorithm_not_found', 'Did you mean "sac"'));
});
