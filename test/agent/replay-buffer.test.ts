// The rings that store each observation once, against a list that stores everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Experience, Transition } from '../../src/agent/algorithm.ts';
import { type Batch, ReplayBuffer, type ReplayOptions, replayBytes } from '../../src/agent/replay/replay-buffer.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import { type Tensors, vector } from '../../src/math/tensor.ts';
import { freshSeed } from '../support/seed.ts';

const [OBSERVATION, ACTION] = [2, 1];
/** In float32 it is another number, which must not be the one that is multiplied with. */
const DISCOUNT = 0.9;

const optionsOf = (capacity: number, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  capacity,
  observationSize: OBSERVATION,
  actionSize: ACTION,
  lanes: 1,
  steps: 1,
  discount: DISCOUNT,
  ...more,
});

const batchOf = (size: number): Batch => ({
  observation: new Float32Array(size * OBSERVATION),
  action: new Float32Array(size * ACTION),
  reward: new Float32Array(size),
  nextObservation: new Float32Array(size * OBSERVATION),
  bootstrap: new Float32Array(size),
});

/** Draws 0, 1, 2, … (modulo the bound) instead of at random: each transition of the buffer comes up. */
const counting = (): Pcg64 => {
  let next = 0;
  return { integers: (low: number, high: number) => low + (next++ % (high - low)) } as unknown as Pcg64;
};

function contents(buffer: ReplayBuffer): unknown[] {
  const batch = batchOf(buffer.size);
  if (buffer.size > 0) buffer.sample(counting(), batch);
  return Array.from({ length: buffer.size }, (_, index) => [
    ...batch.observation.subarray(index * OBSERVATION, (index + 1) * OBSERVATION),
    batch.action[index],
    batch.reward[index],
    ...batch.nextObservation.subarray(index * OBSERVATION, (index + 1) * OBSERVATION),
    batch.bootstrap[index],
  ]);
}

/** What one lane's ring holds, by place, computed from the list of everything that ever came in. */
function naive(all: readonly Transition[], ring: number, steps: number): unknown[] {
  const first = Math.max(0, all.length - ring);
  const held = all.slice(first).map((start, offset) => {
    let [reward, discount, at] = [0, 1, first + offset];
    for (let m = 1; ; m += 1, at += 1) {
      const one = all[at] as Transition;
      reward += discount * one.reward;
      discount *= DISCOUNT;
      const next = all[at + 1];
      const over = one.terminated || one.truncated || next?.observation[0] !== one.nextObservation[0];
      if (!over && m < steps) continue;
      const bootstrap = Math.fround(one.terminated ? 0 : discount);
      return [...start.observation, start.action[0], Math.fround(reward), ...one.nextObservation, bootstrap];
    }
  });
  const places: unknown[] = [];
  for (const [offset, row] of held.entries()) places[(first + offset) % ring] = row;
  return places;
}

/** Steps of an episode: `jump` begins elsewhere without an end. */
const script = fc.array(fc.constantFrom('step', 'step', 'step', 'terminate', 'truncate', 'jump'), { maxLength: 60 });
const shape = fc.record({
  capacity: fc.integer({ min: 1, max: 17 }),
  lanes: fc.integer({ min: 1, max: 3 }),
  steps: fc.integer({ min: 1, max: 4 }),
});
const CHUNK_ROWS = 4;

function play(steps: readonly string[], from = 0): Transition[] {
  let clock = from;
  const fresh = (): Float32Array => Float32Array.of(clock++, 0.5);
  let observation = fresh();
  return steps.map((step, index) => {
    if (step === 'jump') observation = fresh();
    const nextObservation = fresh();
    const transition = {
      observation,
      action: Float32Array.of(index),
      reward: index * 2 - 3,
      nextObservation,
      terminated: step === 'terminate',
      truncated: step === 'truncate',
    };
    observation = step === 'terminate' || step === 'truncate' ? fresh() : nextObservation;
    return transition;
  });
}

/** Each lane plays the script from another place of it. */
const playLanes = (steps: readonly string[], lanes: number): Transition[][] =>
  Array.from({ length: lanes }, (_, lane) => play([...steps.slice(lane), ...steps.slice(0, lane)], 1000 * lane));

/** As a file would hold it: copied. */
const saved = ({ tensors, segments }: Experience): Tensors =>
  structuredClone({ ...tensors, ...Object.fromEntries(segments.map(({ name, tensor }) => [name, tensor])) });

test('whatever came in, each place holds what a list of the newest transitions has there', (context) => {
  fc.assert(
    fc.property(script, shape, (script, options) => {
      const { capacity, lanes, steps } = options;
      const buffer = new ReplayBuffer(optionsOf(capacity, options), CHUNK_ROWS);
      const transitions = playLanes(script, lanes);
      const ring = Math.max(1, Math.floor(capacity / lanes));
      for (let time = 0; time < script.length; time += 1) {
        for (const [lane, list] of transitions.entries()) buffer.add(lane, list[time] as Transition);
        const rings = transitions.map((list) => naive(list.slice(0, time + 1), ring, steps));
        // In lockstep, transition i is of lane i % lanes, at place floor(i / lanes) of its ring.
        const expected = Array.from({ length: buffer.size }, (_, i) => rings[i % lanes]?.[Math.floor(i / lanes)]);
        assert.deepEqual(contents(buffer), expected);
      }
    }),
    { seed: freshSeed(context), numRuns: 200, includeErrorInReport: true },
  );
});

test('between two lanes of one step every transition still comes up once', () => {
  const buffer = new ReplayBuffer(optionsOf(9, { lanes: 3 }));
  const transitions = playLanes(['step', 'terminate'], 3);
  for (const [lane, list] of transitions.entries()) buffer.add(lane, list[0] as Transition);
  buffer.add(0, transitions[0]?.[1] as Transition);
  const held = [...(transitions[0] as Transition[]), transitions[1]?.[0], transitions[2]?.[0]];
  assert.deepEqual(
    contents(buffer).map((row) => (row as number[])[0]),
    held.map((transition) => transition?.observation[0]),
  );
  assert.throws(() => buffer.add(3, transitions[0]?.[0] as Transition), /no lane 3; there are 3/);
});

test('a saved buffer goes on as the one it was saved from, byte for byte', (context) => {
  fc.assert(
    fc.property(script, script, shape, (before, after, options) => {
      const transitions = playLanes([...before, ...after], options.lanes);
      const make = () => new ReplayBuffer(optionsOf(options.capacity, options), CHUNK_ROWS);
      const [first, second] = [make(), make()];
      const feed = (buffer: ReplayBuffer, from: number, to: number) => {
        for (let time = from; time < to; time += 1)
          for (const [lane, list] of transitions.entries()) buffer.add(lane, list[time] as Transition);
      };
      feed(first, 0, before.length);
      // What the second one held before must not shine through.
      for (const [lane, list] of playLanes(['step', 'terminate', 'jump', 'truncate', 'step'], options.lanes).entries())
        for (const transition of list) second.add(lane, transition);
      second.setState(saved(first.getState()));
      assert.deepEqual(saved(second.getState()), saved(first.getState()));
      feed(first, before.length, before.length + after.length);
      feed(second, before.length, before.length + after.length);
      assert.deepEqual(contents(second), contents(first));
      assert.deepEqual(saved(second.getState()), saved(first.getState()));
    }),
    { seed: freshSeed(context), numRuns: 200, includeErrorInReport: true },
  );
});

test('a segment has the version that it had unless its bytes are others', (context) => {
  fc.assert(
    fc.property(script, script, shape, (before, after, options) => {
      const transitions = playLanes([...before, ...after], options.lanes);
      const buffer = new ReplayBuffer(optionsOf(options.capacity, options), CHUNK_ROWS);
      let known = new Map<string, { version: number; bytes: string }>();
      for (let time = 0; time < before.length + after.length; time += 1) {
        for (const [lane, list] of transitions.entries()) buffer.add(lane, list[time] as Transition);
        if (time % 3 !== 0) continue;
        const now = new Map(
          buffer.getState().segments.map(({ name, tensor, version }) => {
            assert.ok((tensor.shape[0] as number) <= CHUNK_ROWS);
            return [name, { version, bytes: JSON.stringify([...(tensor.data as Float32Array)]) }];
          }),
        );
        for (const [name, { version, bytes }] of now) {
          const earlier = known.get(name);
          if (earlier?.version === version) assert.equal(bytes, earlier.bytes, name);
        }
        known = now;
      }
    }),
    { seed: freshSeed(context), numRuns: 100, includeErrorInReport: true },
  );
});

test('one transition moves the versions of the chunks it is written to and no others', () => {
  const buffer = new ReplayBuffer(optionsOf(64), CHUNK_ROWS);
  const transitions = play(Array.from({ length: 200 }, () => 'step'));
  for (const transition of transitions.slice(0, -1)) buffer.add(0, transition);
  const versions = () => buffer.getState().segments.map(({ version }) => version);
  const before = versions();
  buffer.add(0, transitions.at(-1) as Transition);
  const moved = versions().flatMap((version, chunk) => (version === before[chunk] ? [] : [chunk]));
  // Transition 199 of a ring of 64 in chunks of 4.
  assert.deepEqual(moved, [Math.floor((199 % 64) / 4)]);
});

for (const [from, to] of [
  [1, 4],
  [4, 1],
  [3, 2],
] as const) {
  test(`what ${from} lane(s) held goes into ${to}, each run ending where it was cut`, () => {
    const script = Array.from({ length: 36 }, (_, index) => (index % 7 === 6 ? 'terminate' : 'step'));
    const first = new ReplayBuffer(optionsOf(24, { lanes: from }));
    const lists = playLanes(script, from);
    for (let time = 0; time < script.length; time += 1)
      for (const [lane, list] of lists.entries()) first.add(lane, list[time] as Transition);
    const second = new ReplayBuffer(optionsOf(24, { lanes: to, steps: 3 }), CHUNK_ROWS);
    second.setState(saved(first.getState()));
    assert.equal(second.size, 24);
    // The newest of each old lane, one old lane after the other, dealt in runs of 24 / to.
    const dealt = lists.flatMap((list) =>
      list.slice(-24 / from).map((transition, index) => ({
        ...transition,
        truncated: index === 24 / from - 1 && !transition.terminated,
      })),
    );
    const rings = Array.from({ length: to }, (_, lane) =>
      naive(dealt.slice((lane * 24) / to, ((lane + 1) * 24) / to), 24 / to, 3),
    );
    assert.deepEqual(
      contents(second),
      Array.from({ length: 24 }, (_, i) => rings[i % to]?.[Math.floor(i / to)]),
    );
  });
}

test('a truncated episode keeps its own last observation, not the first of the next', () => {
  const buffer = new ReplayBuffer(optionsOf(10));
  const [truncated, next] = play(['truncate', 'step']) as [Transition, Transition];
  buffer.add(0, truncated);
  buffer.add(0, next);
  const batch = batchOf(2);
  buffer.sample(counting(), batch);
  assert.deepEqual([...batch.nextObservation.subarray(0, 2)], [...truncated.nextObservation]);
  assert.equal(batch.bootstrap[0], Math.fround(DISCOUNT));
});

test('a return of one step is the stored reward bit for bit, be it −0', () => {
  const buffer = new ReplayBuffer(optionsOf(4));
  const [step] = play(['step']) as [Transition];
  for (const reward of [-0, 0.1]) buffer.add(0, { ...step, reward });
  const batch = batchOf(2);
  buffer.sample(counting(), batch);
  assert.deepEqual([...batch.reward], [-0, Math.fround(0.1)]);
});

for (const [what, damage] of [
  ['lacks a segment', (state: Record<string, unknown>) => delete state['rows/1']],
  [
    'has wider rows',
    (state: Record<string, unknown>) => (state['rows/0'] = { shape: [4, 9], data: new Float32Array(36) }),
  ],
  [
    'counts more than its rings hold',
    (state: Record<string, unknown>) => (state['sizes'] = vector(Int32Array.of(3, 0))),
  ],
] as const) {
  test(`a state that ${what} is refused`, () => {
    const buffer = new ReplayBuffer(optionsOf(8), CHUNK_ROWS);
    for (const transition of play(Array.from({ length: 8 }, () => 'step'))) buffer.add(0, transition);
    const state = { ...saved(buffer.getState()) };
    damage(state);
    assert.throws(() => new ReplayBuffer(optionsOf(8), CHUNK_ROWS).setState(state), {
      code: 'checkpoint_incompatible',
    });
  });
}

const CHEETAH: ReplayOptions = { ...optionsOf(1_000_000), observationSize: 17, actionSize: 6, discount: 0.99 };

/** HalfCheetah as replay sees it: episodes of 1,000 steps that a time limit ends. */
function fill(buffer: ReplayBuffer, count: number): void {
  const [observation, nextObservation] = [new Float32Array(17), new Float32Array(17)];
  const action = new Float32Array(6);
  for (let step = 0; step < count; step += 1) {
    observation[0] = step;
    nextObservation[0] = step + 1;
    const truncated = step % 1000 === 999;
    buffer.add(0, { observation, action, reward: step, nextObservation, terminated: false, truncated });
  }
}

test('a capacity of a million costs next to nothing before it is used', () => {
  const before = process.memoryUsage().arrayBuffers;
  fill(new ReplayBuffer(CHEETAH), 1);
  // One chunk of rows.
  assert.ok(process.memoryUsage().arrayBuffers - before < 3e6);
});

test('a million transitions of HalfCheetah take 100 MB, and their final observations a thousandth of that', () => {
  const buffer = new ReplayBuffer(CHEETAH);
  fill(buffer, 1_001_000);
  const { tensors, segments } = buffer.getState();
  const held = [...Object.values(tensors), ...segments.map(({ tensor }) => tensor)];
  const bytes = held.reduce((sum, { data }) => sum + data.buffer.byteLength, 0);
  assert.ok(bytes <= 100.1e6, `${bytes} bytes`);
  // An estimate, since it cannot know how long episodes are.
  assert.ok(Math.abs(replayBytes(CHEETAH) / bytes - 1) < 0.02, `${replayBytes(CHEETAH)} for ${bytes}`);
});

test('chunks of the size they have by default keep every row', () => {
  const buffer = new ReplayBuffer({ ...CHEETAH, capacity: 40_000 });
  fill(buffer, 50_000);
  const copy = new ReplayBuffer({ ...CHEETAH, capacity: 40_000 });
  copy.setState(saved(buffer.getState()));
  const batch: Batch = {
    observation: new Float32Array(40_000 * 17),
    action: new Float32Array(40_000 * 6),
    reward: new Float32Array(40_000),
    nextObservation: new Float32Array(40_000 * 17),
    bootstrap: new Float32Array(40_000),
  };
  copy.sample(counting(), batch);
  for (let place = 0; place < 40_000; place += 1) {
    const index = place < 10_000 ? place + 40_000 : place;
    assert.equal(batch.reward[place], index);
    assert.equal(batch.nextObservation[place * 17], index + 1);
  }
});
