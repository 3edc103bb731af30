import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentSpaces, Algorithm } from '../../src/agent/algorithm.ts';
import { findAlgorithm } from '../../src/agent/algorithm-registry.ts';
import { ReplayBuffer } from '../../src/agent/replay/replay-buffer.ts';
import { admit, bytesOf } from '../../src/services/job-memory.ts';

const MB = 2 ** 20;

/** A learner that takes 100 bytes for each transition and 1 MiB beside. */
const algorithm = {
  memoryBytes: ({ replay_capacity }: { replay_capacity: number }) => ({
    replay: 100 * replay_capacity,
    mirror: 200 * replay_capacity,
    parameters: MB,
  }),
} as unknown as Algorithm;
const demand = {
  algorithm,
  hyperparameters: { replay_capacity: 100_000 },
  spaces: {} as AgentSpaces,
  numEnvs: 1,
  replayPlacement: 'host',
} as const;
const limits = (jobBytes: number, totalBytes: number) => ({ jobBytes: jobBytes * MB, totalBytes: totalBytes * MB });

test('a job that fits is admitted, up to the last byte', () => {
  const needed = bytesOf(demand);
  admit(demand, [MB, 2 * MB], { jobBytes: needed, totalBytes: needed + 3 * MB });
});

test('a copy of the replay on the device is counted too', () => {
  assert.equal(bytesOf({ ...demand, replayPlacement: 'device' }), bytesOf(demand) + 200 * 100_000);
});

for (const [what, others, limit, message] of [
  [
    'more than a job may take',
    [],
    limits(5, 100),
    // (5 − 1) MiB / 100 bytes.
    /needs 10\.5 MiB .*a job may take 5\.0 MiB\. .*replay_capacity of at most 41943 instead of 100000, .*--max-job-memory/,
  ],
  [
    'more than the others leave',
    [6 * MB],
    limits(20, 16),
    /needs 10\.5 MiB .*of the 16\.0 MiB for all jobs at once, others take 6\.0 MiB\. Wait .*at most 94371 instead/,
  ],
  [
    'too much without any replay',
    [],
    limits(0.5, 100),
    /a job may take 512\.0 KiB\. Make an agent with smaller hidden_sizes/,
  ],
  ['all that there is', [100 * MB], limits(20, 16), /Make an agent with smaller hidden_sizes\.$/],
] as const) {
  test(`a job that needs ${what} is refused with what would fit`, () => {
    assert.throws(() => admit(demand, others, limit), { code: 'memory_limit', message });
  });
}

test('SAC counts what its replay takes when it is full', () => {
  const sac = findAlgorithm('sac');
  const box = (size: number) => ({
    type: 'Box' as const,
    dtype: 'float64' as const,
    shape: [size],
    low: Array.from({ length: size }, () => -1),
    high: Array.from({ length: size }, () => 1),
  });
  const hyperparameters = sac.resolve({ replay_capacity: 10_000 }, 'X-v0');
  const needed = sac.memoryBytes(hyperparameters, sac.checkSpaces(box(4), box(2)), 4);
  const buffer = new ReplayBuffer({
    capacity: 10_000,
    observationSize: 4,
    actionSize: 2,
    lanes: 4,
    steps: 1,
    discount: 0.99,
  });
  const transition = { reward: 0, terminated: false, truncated: false, action: new Float32Array(2) };
  for (let step = 0; step < 2500; step += 1) {
    const observation = new Float32Array(4).fill(step);
    const nextObservation = new Float32Array(4).fill(step + 1);
    for (let lane = 0; lane < 4; lane += 1) buffer.add(lane, { ...transition, observation, nextObservation });
  }
  const held = buffer.getState().segments.reduce((sum, { tensor }) => sum + tensor.data.buffer.byteLength, 0);
  assert.ok(needed.replay >= held && needed.replay < 1.1 * held, `${needed.replay} for ${held}`);
  assert.ok(needed.parameters > 0);
  // A row of the copy has both observations and the action.
  assert.equal(needed.mirror, 4 * 10_000 * (4 + 2 + 4));
});
