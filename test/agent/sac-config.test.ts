// Hyperparameters, spaces and names: what is taken, and how what is not is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { algorithms, findAlgorithm } from '../../src/agent/algorithm-registry.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
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
  const resolved = sac.resolve(given);
  assert.equal(resolved['discount'], 0.9);
  assert.equal(resolved['learning_rate'], 3e-4);
  assert.deepEqual(resolved['hidden_sizes'], [256, 256]);
  assert.equal(resolved['temperature'], null);
  assert.deepEqual(sac.resolve(resolved), resolved);
});

const BAD: readonly (readonly [Record<string, unknown>, ...string[]])[] = [
  [{ learning_rat: 1e-3 }, 'learning_rat', 'did you mean "learning_rate"'],
  [{ learning_rate: -1 }, '"learning_rate" is -1', '≥ 0'],
  [{ learning_rate: '0.1' }, '"learning_rate" is "0.1"', 'number'],
  [{ learning_rate: Number.NaN }, '"learning_rate"'],
  [{ batch_size: 2.5 }, '"batch_size" is 2.5', 'integer'],
  [{ hidden_sizes: [256, 0] }, '"hidden_sizes" is [256,0]', 'integers'],
  [{ hidden_sizes: [] }, '"hidden_sizes" is []'],
  [{ discount: 1.1 }, '"discount" is 1.1', '≤ 1'],
  [{ reward_scale: 0 }, '"reward_scale" is 0', '> 0'],
  [{ variant: 'v3' }, '"variant" is "v3"', 'v2'],
  [{ gradient_steps: -2 }, '"gradient_steps" is -2', '≥ -1'],
  [{ temperature: 'auto' }, '"temperature" is "auto"', 'null'],
];

for (const [given, ...words] of BAD) {
  test(`${JSON.stringify(given)} is refused by name`, () =>
    void assert.throws(() => sac.resolve(given), refuses('invalid_hyperparameter', ...words)));
}

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
    assert.deepEqual(sac.resolve({ [name]: value })[name], value);
  }
});

test('algorithms are found by name, and the nearest is named', () => {
  assert.deepEqual(
    algorithms().map(({ name }) => name),
    ['sac'],
  );
  assert.equal(findAlgorithm('sac'), sac);
  assert.throws(() => findAlgorithm('sca'), refuses('algorithm_not_found', 'did you mean "sac"'));
});
