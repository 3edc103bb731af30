// Replay on the device: the numbers are those of replay on the host, whatever becomes of the buffer, and however many updates are in a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Learner } from '../../src/agent/algorithm.ts';
import type { Engine } from '../../src/compute/engine.ts';
import { tfjsCpuEngine } from '../../src/compute/tfjs/engine.ts';
import { DomainError } from '../../src/errors.ts';
import { enginesWithTables } from '../support/engines-with-tables.ts';
import { withTables } from '../support/table-engine.ts';
import { copied, drift, learnerOf, starting, stepAll } from './support/learners.ts';

/** Kernel by kernel, so that nothing but the numbers decides; and TensorFlow, which might fuse a graph of several updates otherwise. */
const ENGINES: readonly { readonly engine: Engine; readonly skip: string | false; readonly hidden: number }[] = [
  { engine: withTables(tfjsCpuEngine), skip: false, hidden: 4 },
  ...enginesWithTables.map((one) => ({ ...one, hidden: 48 })),
];

const CASES = [
  { what: 'one update a step, and a ring that wraps', given: { replay_capacity: 37 }, lanes: 1, steps: 1 },
  { what: 'eight updates in one call', given: { train_frequency: 4, gradient_steps: 8 }, lanes: 1, steps: 8 },
  {
    what: 'ten updates in two calls',
    given: { train_frequency: 6, gradient_steps: 10, policy_delay: 2 },
    lanes: 1,
    steps: 5,
  },
  {
    what: 'four environments, as many updates, 3-step returns',
    given: { gradient_steps: -1, n_steps: 3, replay_capacity: 90 },
    lanes: 4,
    steps: 4,
  },
  {
    what: 'v1 and normalisation',
    given: { variant: 'v1', observation_normalization: true, reward_normalization: 'automatic', gradient_steps: 2 },
    lanes: 2,
    steps: 2,
  },
] as const;

const everything = (learner: Learner): unknown => ({
  state: learner.getState(),
  experience: copied(learner.getExperience()),
  metrics: learner.takeMetrics(),
});

for (const { engine, skip, hidden } of ENGINES) {
  for (const { what, given, lanes, steps } of CASES) {
    test(`${engine.name} with ${what}: the device's run is the host's, and goes on from a checkpoint`, {
      skip,
    }, async (t) => {
      const start = starting(7, { hidden_sizes: [hidden, hidden], batch_size: 8, ...given }, { lanes, engine });
      const worlds = () => Array.from({ length: lanes }, (_, lane) => drift(0.3 * lane, 9 + lane));
      const host = await learnerOf(start);
      const device = await learnerOf({ ...start, replayPlacement: 'device' });
      t.after(async () => {
        await host.dispose();
        await device.dispose();
      });
      assert.match(device.engineIdentity, new RegExp(`×${steps}$`));
      const [one, other] = [worlds(), worlds()];
      for (let step = 0; step < 60; step += 1) {
        await stepAll(host, one);
        await stepAll(device, other);
      }
      assert.ok((host.getState()['updates']?.data[0] as number) > 0);
      assert.deepEqual(device.getState(), host.getState());
      const resumed = await learnerOf({ ...start, replayPlacement: 'device' }, structuredClone(device.getState()));
      t.after(() => resumed.dispose());
      resumed.setExperience(copied(device.getExperience()));
      const third = structuredWorlds(worlds(), 60, await learnerOf(start), t);
      for (let step = 0; step < 25; step += 1) {
        await stepAll(host, one);
        await stepAll(device, other);
        await stepAll(resumed, await third);
      }
      const expected = everything(host);
      assert.deepEqual(everything(device), expected);
      assert.deepEqual(everything(resumed), expected);
    });
  }
}

/** `worlds` as they are after `steps` of a learner like the others. */
async function structuredWorlds(
  worlds: ReturnType<typeof drift>[],
  steps: number,
  learner: Learner,
  t: { after(done: () => Promise<void>): void },
) {
  t.after(() => learner.dispose());
  for (let step = 0; step < steps; step += 1) await stepAll(learner, worlds);
  return worlds;
}

test('a loss that is not finite is named without its place in the call, by the number of its update', async (t) => {
  const given = { train_frequency: 4, gradient_steps: 4, hidden_sizes: [4, 4], batch_size: 8 };
  const engine = withTables(tfjsCpuEngine);
  const learner = await learnerOf({ ...starting(7, given, { engine }), replayPlacement: 'device' });
  t.after(() => learner.dispose());
  const world = drift();
  const broken = { ...world, step: (action: Float32Array) => ({ ...world.step(action), reward: Number.NaN }) };
  await assert.rejects(
    async () => {
      for (let step = 0; step < 40; step += 1) await stepAll(learner, [broken]);
    },
    (thrown: unknown) => {
      assert.ok(thrown instanceof DomainError);
      assert.equal(thrown.code, 'non_finite');
      assert.match(thrown.message, /^"loss\/critic".* in update 1:/);
      return true;
    },
  );
});
