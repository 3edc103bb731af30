// The tables and maps of toy text, held to Gymnasium's (scripts/record-classic-fixtures.py), and what it refuses.
// Its steps stand in classic-parity.test.ts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { findSpec, make } from '../../src/envs/registry.ts';
import { cliffWalkingTask } from '../../src/envs/toy-text/cliff-walking.ts';
import { frozenLakeTask } from '../../src/envs/toy-text/frozen-lake.ts';
import { generateRandomMap } from '../../src/envs/toy-text/frozen-map.ts';
import type { TabularTask } from '../../src/envs/toy-text/tabular-env.ts';
import { taxiTask } from '../../src/envs/toy-text/taxi.ts';
import { type Packed, readFixture, rows, unpack } from '../fixtures/read.ts';

interface Table {
  readonly id: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly states: number;
  /** How many rows each state and action have. */
  readonly outcomes: readonly number[];
  readonly rows: Packed;
  readonly start: Packed;
}

const { tables, maps } = readFixture<{
  tables: readonly Table[];
  maps: readonly { size: number; p: number; seed: number; map: readonly string[] }[];
}>('toy-text');

/** Defaults, which `make` fills in. */
const LAKE = {
  desc: null,
  map_name: '4x4',
  is_slippery: true,
  success_rate: 1 / 3,
  reward_schedule: [1, 0, 0],
} as const;
const TAXI = { is_rainy: false, fickle_passenger: false, rainy_probability: 0.8, fickle_probability: 0.3 };

function taskOf({ id, kwargs }: Table): TabularTask {
  switch (id) {
    case 'FrozenLake-v1':
      return frozenLakeTask({ ...LAKE, ...kwargs });
    case 'Taxi-v4':
      return taxiTask({ ...TAXI, ...kwargs });
    default:
      return cliffWalkingTask(findSpec(id), { is_slippery: id.includes('Slippery'), ...kwargs });
  }
}

for (const table of tables) {
  test(`${table.id} has Gymnasium's table of transitions, ${JSON.stringify(table.kwargs)}`, () => {
    const task = taskOf(table);
    const lists = task.transitions.flat();
    assert.deepEqual([task.transitions.length, task.observationSpace.n], [table.states, table.states]);
    assert.deepEqual(
      lists.map((outcomes) => outcomes.length),
      table.outcomes,
    );
    assert.deepEqual(
      lists.flat().map((outcome) => outcome.map(Number)),
      rows(table.rows).map((row) => [...row]),
    );
    assert.deepEqual(Float64Array.from(task.start), unpack(table.start));
  });
}

for (const { map, ...random } of maps) {
  test(`${JSON.stringify(random)} draws Gymnasium's map`, () => assert.deepEqual(generateRandomMap(random), map));
}

test('a map that is drawn is the map of the environment', async () => {
  const { map, ...random } = maps[0] as (typeof maps)[number];
  using drawn = await make('FrozenLake-v1', { kwargs: { desc: random } });
  using given = await make('FrozenLake-v1', { kwargs: { desc: map } });
  assert.deepEqual(drawn.spec, given.spec);
  drawn.reset({ seed: 5 });
  given.reset({ seed: 6 });
  given.setState(drawn.getState());
  assert.deepEqual(drawn.step(1), given.step(1));
});

test('no map at all is a random one of 8 × 8, which only its own snapshots fit', async () => {
  using one = await make('FrozenLake-v1', { kwargs: { map_name: null } });
  using other = await make('FrozenLake-v1', { kwargs: { map_name: null } });
  assert.deepEqual(one.observationSpace.toDocument(), { type: 'Discrete', n: 64, start: 0 });
  assert.deepEqual(one.spec.observationSpace, one.observationSpace.toDocument());
  one.reset();
  assert.throws(() => other.setState(one.getState()), { code: 'checkpoint_incompatible', message: /another map/ });
  one.setState(one.getState());
});

for (const kwargs of [
  { map_name: '5x5' },
  { map_name: 'constructor' },
  { desc: [] },
  { desc: ['SF', 'G'] },
  { desc: ['SX', 'FG'] },
  { desc: ['FF', 'FG'] },
  { desc: 'SFFG' },
  { desc: [1] },
  { desc: ['S'.repeat(65)] },
  { desc: { size: 1 } },
  { desc: { size: 65 } },
  { desc: { p: 1.5 } },
  { desc: { seed: -1 } },
  { desc: { sizes: 4 } },
  { desc: { p: 0 } },
  { reward_schedule: [1, 0] },
  { reward_schedule: [1, 0, 'NaN'] },
  { success_rate: 1.1 },
]) {
  test(`FrozenLake-v1 refuses ${JSON.stringify(kwargs)}`, async () => {
    await assert.rejects(make('FrozenLake-v1', { kwargs }), { code: 'invalid_kwargs' });
  });
}

test("the schema of FrozenLake's arguments takes what make takes", () => {
  const valid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(findSpec('FrozenLake-v1').kwargsSchema);
  for (const kwargs of [LAKE, { desc: maps[0]?.map }, { desc: { seed: 3 } }, { map_name: null }, {}]) {
    assert.ok(valid(kwargs), JSON.stringify(kwargs));
  }
  for (const kwargs of [{ desc: ['SX'] }, { desc: { sizes: 3 } }, { map_name: '5x5' }, { reward_schedule: [1] }]) {
    assert.equal(valid(kwargs), false, JSON.stringify(kwargs));
  }
});

test('Taxi-v3 is another name of Taxi-v4', async () => {
  assert.equal(findSpec('Taxi-v3'), findSpec('Taxi-v4'));
  using taxi = await make('Taxi-v3');
  assert.equal(taxi.spec.id, 'Taxi-v4');
});

test('cliff walking has no time limit of its own, and takes one', async () => {
  using endless = await make('CliffWalking-v1');
  assert.equal(endless.spec.maxEpisodeSteps, null);
  endless.reset({ seed: 0 });
  for (let i = 0; i < 1000; i++) assert.equal(endless.step(3).truncated, false);
  using short = await make('CliffWalking-v1', { maxEpisodeSteps: 2 });
  short.reset();
  assert.deepEqual([short.step(3).truncated, short.step(3).truncated], [false, true]);
});

test('a snapshot whose state there is not is refused', async () => {
  using env = await make('Taxi-v4');
  env.reset({ seed: 0 });
  for (const state of [-1, 500]) {
    const spoilt = { ...env.getState(), 'env/env/state': { shape: [1], data: Int32Array.of(state) } };
    assert.throws(() => env.setState(spoilt), { code: 'checkpoint_incompatible' });
  }
});
