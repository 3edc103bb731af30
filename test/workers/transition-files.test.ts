// Columns of transitions: what is kept of them, and what is refused by its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionCodec } from '../../src/agent/action-codec.ts';
import type { BoxDocument } from '../../src/envs/spaces/space.ts';
import { TensorData } from '../../src/envs/spaces/tensor-data.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import { encodeTransitions, readTransitions } from '../../src/workers/transition-files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const OBSERVATION: BoxDocument = { type: 'Box', dtype: 'float32', shape: [2], low: '-Infinity', high: 'Infinity' };
/** Asymmetric in its first element, with nothing to decide in its last. */
const ACTION: BoxDocument = { type: 'Box', dtype: 'float32', shape: [3], low: [-1, -2, 5], high: [3, 2, 5] };
const SPACES = { observation: OBSERVATION, action: ACTION };
const GOOD = {
  observations: [
    [0, 1],
    [2, 3],
  ],
  actions: [
    [1, 2, 5],
    [-1, 0, 5],
  ],
  rewards: [0.5, -1],
  next_observations: [
    [2, 3],
    [4, 5],
  ],
  terminations: [false, true],
  truncations: null,
};

test('what was sent comes back in order, actions in [−1, 1]', async () => {
  const blobs = new Blobs(temporaryFolder());
  const first = encodeTransitions(GOOD, SPACES);
  const flags = new TensorData('bool', [1], Uint8Array.of(1));
  const second = encodeTransitions(
    {
      observations: new TensorData('float64', [1, 2], Float64Array.of(6, 7)),
      actions: [[3, -2, 5]],
      rewards: new TensorData('float32', [1], Float32Array.of(2)),
      next_observations: [[8, 9]],
      terminations: [false],
      truncations: flags,
    },
    SPACES,
  );
  assert.deepEqual([first.count, second.count], [2, 1]);
  const batches = [
    { first: 0, count: 2, ...blobs.write(first.file) },
    { first: 2, count: 1, ...blobs.write(second.file) },
  ];
  const read = [];
  for await (const one of readTransitions(blobs, batches, actionCodec(ACTION)))
    read.push([
      [...one.observation],
      [...one.action],
      one.reward,
      [...one.nextObservation],
      one.terminated,
      one.truncated,
    ]);
  assert.deepEqual(read, [
    [[0, 1], [0, 1, 0], 0.5, [2, 3], false, false],
    [[2, 3], [-1, 0, 0], -1, [4, 5], true, false],
    [[6, 7], [1, -1, 0], 2, [8, 9], false, true],
  ]);
});

test('an action of the agent, given back as the environment saw it, is the same action', () => {
  const codec = actionCodec(ACTION);
  for (const action of [
    [-1, -1, 0],
    [1, 1, 0],
    [0.25, -0.5, 0],
  ])
    assert.deepEqual([...codec.fromSpace(codec.toSpace(Float32Array.from(action)))], action);
});

for (const [change, code, message] of [
  [{ rewards: [1] }, 'invalid_transitions', /^rewards has 1 rows, and observations has 2/],
  [{ rewards: [1, 'NaN'] }, 'invalid_transitions', /^rewards\[1\] is "NaN"/],
  [{ rewards: [1, 1e39] }, 'invalid_transitions', /^rewards\[1\] is 1e\+39; send finite numbers that float32 can hold/],
  [{ rewards: 3 }, 'invalid_transitions', /^rewards is 3; send a list/],
  [{ terminations: [false, 1] }, 'invalid_transitions', /^terminations\[1\] is 1; send true or false/],
  [{ truncations: [true] }, 'invalid_transitions', /^truncations has 1 rows/],
  [
    { terminations: new TensorData('uint8', [2], Uint8Array.of(0, 2)) },
    'invalid_transitions',
    /^terminations\[0\] is a tensor of uint8/,
  ],
  [{ observations: [[0, 1], [2]] }, 'observation_out_of_space', /^observations\[1\] has 1 elements, not 2/],
  [
    {
      observations: [
        [0, 1],
        [2, 'Infinity'],
      ],
    },
    'observation_out_of_space',
    /^observations\[1\] holds Infinity/,
  ],
  [
    {
      next_observations: [
        [0, 1],
        [2, null],
      ],
    },
    'observation_out_of_space',
    /^next_observations\[1\]\[1\] is null/,
  ],
  [
    {
      next_observations: [
        [0, 1],
        [2, 'NaN'],
      ],
    },
    'observation_out_of_space',
    /^next_observations\[1\] holds NaN/,
  ],
  [
    {
      actions: [
        [0, 0, 5],
        [0, 2.5, 5],
      ],
    },
    'action_out_of_space',
    /^actions\[1\] is \[0,2.5,5\], beyond the bounds/,
  ],
  [
    {
      actions: [
        [0, 0, 5],
        [0, 'NaN', 5],
      ],
    },
    'action_out_of_space',
    /^actions\[1\]\[1\] is NaN, which is not finite/,
  ],
  [{ observations: [] }, 'invalid_transitions', /^observations has 0 rows; send 1 to 10000/],
] as const) {
  test(`${Object.entries(change).map(([name, value]) => `${name} ${JSON.stringify(value)}`)} is ${code}`, () => {
    assert.throws(() => encodeTransitions({ ...GOOD, ...change }, SPACES), { code, message });
  });
}

test('a number that only float64 holds is refused of a space that takes it, since the replay is float32', () => {
  const wide: BoxDocument = { ...OBSERVATION, dtype: 'float64' };
  const rows = { ...GOOD, observations: [...GOOD.observations.slice(1), [0, -1e39]] };
  assert.throws(() => encodeTransitions(rows, { ...SPACES, observation: wide }), {
    code: 'observation_out_of_space',
    message: /^observations\[1\] holds -1e\+39; send finite numbers that float32 can hold/,
  });
});
