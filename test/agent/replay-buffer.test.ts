// The ring that stores each observation once, against a list that stores everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Transition } from '../../src/agent/algorithm.ts';
import { type Batch, ReplayBuffer } from '../../src/agent/replay/replay-buffer.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../compute/support.ts';

const [OBSERVATION, ACTION] = [2, 1];

const batchOf = (size: number): Batch => ({
  observation: new Float32Array(size * OBSERVATION),
  action: new Float32Array(size * ACTION),
  reward: new Float32Array(size),
  nextObservation: new Float32Array(size * OBSERVATION),
  terminated: new Float32Array(size),
});

/** Draws 0, 1, 2, … (modulo the bound) instead of at random: each transition of the buffer comes up. */
const counting = (): Pcg64 => {
  let next = 0;
  return { integers: (low: number, high: number) => low + (next++ % (high - low)) } as unknown as Pcg64;
};

function contents(buffer: ReplayBuffer): string[] {
  const batch = batchOf(buffer.size);
  buffer.sample(counting(), batch);
  return Array.from({ length: buffer.size }, (_, index) =>
    JSON.stringify([
      [...batch.observation.subarray(index * OBSERVATION, (index + 1) * OBSERVATION)],
      batch.action[index],
      batch.reward[index],
      [...batch.nextObservation.subarray(index * OBSERVATION, (index + 1) * OBSERVATION)],
      batch.terminated[index],
    ]),
  ).sort();
}

const naive = (transitions: readonly Transition[], capacity: number): string[] =>
  transitions
    .slice(-capacity)
    .map((one) =>
      JSON.stringify([
        [...one.observation],
        one.action[0],
        one.reward,
        [...one.nextObservation],
        one.terminated ? 1 : 0,
      ]),
    )
    .sort();

/** Steps of an episode: `jump` begins elsewhere without an end, as interleaved environments do. */
const script = fc.array(fc.constantFrom('step', 'step', 'step', 'terminate', 'truncate', 'jump'), { maxLength: 60 });

function play(steps: readonly string[]): Transition[] {
  let clock = 0;
  const fresh = (): Float32Array => Float32Array.of(clock++, 0.5);
  let observation = fresh();
  return steps.map((step, index) => {
    if (step === 'jump') observation = fresh();
    const nextObservation = fresh();
    const transition = {
      observation,
      action: Float32Array.of(index),
      reward: index * 2,
      nextObservation,
      terminated: step === 'terminate',
      truncated: step === 'truncate',
    };
    observation = step === 'terminate' || step === 'truncate' ? fresh() : nextObservation;
    return transition;
  });
}

test('whatever came in, the ring holds what a list of the newest transitions holds', (context) => {
  fc.assert(
    fc.property(script, fc.integer({ min: 1, max: 9 }), (steps, capacity) => {
      const buffer = new ReplayBuffer(capacity, OBSERVATION, ACTION);
      const transitions = play(steps);
      for (const [index, transition] of transitions.entries()) {
        buffer.add(transition);
        assert.deepEqual(contents(buffer), naive(transitions.slice(0, index + 1), capacity));
      }
    }),
    { seed: freshSeed(context), numRuns: 200, includeErrorInReport: true },
  );
});

test('a saved buffer goes on as the one it was saved from', (context) => {
  fc.assert(
    fc.property(script, script, fc.integer({ min: 1, max: 9 }), (steps, more, capacity) => {
      const transitions = play([...steps, ...more]);
      const [first, second] = [
        new ReplayBuffer(capacity, OBSERVATION, ACTION),
        new ReplayBuffer(capacity, OBSERVATION, ACTION),
      ];
      for (const transition of transitions.slice(0, steps.length)) first.add(transition);
      // What the second one held before must not shine through.
      for (const transition of play(['step', 'terminate', 'jump', 'truncate', 'step'])) second.add(transition);
      second.setState(first.getState());
      for (const transition of transitions.slice(steps.length)) {
        first.add(transition);
        second.add(transition);
      }
      assert.deepEqual(contents(second), contents(first));
      assert.deepEqual(second.getState(), first.getState());
    }),
    { seed: freshSeed(context), numRuns: 200, includeErrorInReport: true },
  );
});

test('a truncated episode keeps its own last observation, not the first of the next', () => {
  const buffer = new ReplayBuffer(10, OBSERVATION, ACTION);
  const [truncated, next] = play(['truncate', 'step']) as [Transition, Transition];
  buffer.add(truncated);
  buffer.add(next);
  const batch = batchOf(2);
  buffer.sample(counting(), batch);
  assert.deepEqual([...batch.nextObservation.subarray(0, 2)], [...truncated.nextObservation]);
  assert.equal(batch.terminated[0], 0);
});

test('a capacity of a million costs next to nothing before it is used', () => {
  const before = process.memoryUsage().arrayBuffers;
  const buffer = new ReplayBuffer(1_000_000, 17, 6);
  const wide = {
    observation: new Float32Array(17),
    action: new Float32Array(6),
    reward: 0,
    nextObservation: new Float32Array(17),
    terminated: false,
    truncated: false,
  };
  buffer.add(wide);
  // One chunk of 16,384 rows of 26 numbers.
  assert.ok(process.memoryUsage().arrayBuffers - before < 3e6);
});

test('a table of several chunks keeps every row', () => {
  const buffer = new ReplayBuffer(40_000, 1, 1);
  const transition = (index: number): Transition => ({
    observation: Float32Array.of(index),
    action: Float32Array.of(-index),
    reward: index,
    nextObservation: Float32Array.of(index + 1),
    terminated: false,
    truncated: false,
  });
  for (let index = 0; index < 50_000; index += 1) buffer.add(transition(index));
  const copy = new ReplayBuffer(40_000, 1, 1);
  copy.setState(buffer.getState());
  const batch: Batch = {
    observation: new Float32Array(40_000),
    action: new Float32Array(40_000),
    reward: new Float32Array(40_000),
    nextObservation: new Float32Array(40_000),
    terminated: new Float32Array(40_000),
  };
  copy.sample(counting(), batch);
  for (let place = 0; place < 40_000; place += 1) {
    const index = place < 10_000 ? place + 40_000 : place;
    assert.equal(batch.reward[place], index);
    assert.equal(batch.nextObservation[place], index + 1);
  }
});
