// Vector environments over worker threads: the same results whatever the number of workers, and what ends them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, type TestContext } from 'node:test';
import { AUTORESET_MODES, type AutoresetMode } from '../../src/envs/vector/autoreset.ts';
import { Batches } from '../../src/envs/vector/batch.ts';
import { VectorEnv } from '../../src/envs/vector/vector-env.ts';
import type { DomainError } from '../../src/errors.ts';
import type { NewEnvironment, VectorResetReply } from '../../src/services/environment-record.ts';
import { Environments } from '../../src/services/environments.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startedThreads } from '../support/threads.ts';

const STEPS = 40;

function open(t: TestContext, workers: number, limit = 100): Environments {
  const workerData = { dataDir: temporaryFolder(), engines: ENGINE_SETTINGS };
  const environments = new Environments({ workers, workerData, limits: { environments: limit } });
  t.after(() => environments.close());
  return environments;
}

function plan(specId: string, numEnvs: number, autoresetMode: AutoresetMode): NewEnvironment {
  const vector = { numEnvs, autoresetMode };
  return { specId, vector, seed: 3, kwargs: {}, wrappers: [], maxEpisodeSteps: 9, labels: {}, idleTtlS: 60 };
}

const ALL = { seed: null, options: {}, resetMask: null };

/** Everything that clients see of a run of `STEPS` steps, with the actions that the environment samples. */
async function play(environments: Environments, wanted: NewEnvironment): Promise<unknown[]> {
  const { id } = await environments.create(wanted);
  const seen: unknown[] = [await environments.reset(id, ALL)];
  for (let i = 0; i < STEPS; i++) {
    const sampled = await environments.sampleAction(id);
    assert.ok('actions' in sampled);
    const step = await environments.step(id, { actions: sampled.actions, seq: null });
    assert.ok('terminations' in step);
    seen.push(sampled.actions, step);
    const ended = step.terminations.map((terminated, index) => terminated || step.truncations[index] === true);
    if (wanted.vector?.autoresetMode !== 'Disabled' || !ended.includes(true)) continue;
    assert.equal(environments.get(id).needsReset, true);
    seen.push(await environments.reset(id, { ...ALL, resetMask: ended }));
  }
  await environments.delete(id);
  return seen;
}

/** The same in this thread, without workers, from the actions that `seen` holds. */
async function replay(wanted: NewEnvironment, seen: readonly unknown[]): Promise<void> {
  const { numEnvs, autoresetMode } = wanted.vector as { numEnvs: number; autoresetMode: AutoresetMode };
  using envs = await VectorEnv.make(wanted.specId, { numEnvs, autoresetMode, maxEpisodeSteps: 9 });
  const observations = new Batches(envs.singleObservationSpace.toDocument());
  const actions = new Batches(envs.singleActionSpace.toDocument());
  const asJson = (value: object) => JSON.parse(JSON.stringify(value, plain));
  const { seq: _, ...start } = seen[0] as VectorResetReply;
  const first = envs.reset({ seed: 3 });
  assert.deepEqual(asJson(start), asJson({ ...first, observations: observations.toJson(first.observations) }));
  for (let i = 1; i < seen.length; i += 2) {
    const { seq: __, ...step } = seen[i + 1] as VectorResetReply;
    const result = envs.step(actions.parse(seen[i], numEnvs));
    assert.deepEqual(asJson(step), asJson({ ...result, observations: observations.toJson(result.observations) }));
  }
}

const plain = (_: string, value: unknown) =>
  ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;

// Shared by the tests below: a worker takes a second to start.
const folder = mkdtempSync(join(tmpdir(), 'gymserve-vector-'));
const workerData = { dataDir: folder, engines: ENGINE_SETTINGS };
const onWorkers = [1, 2, 3].map((workers) => new Environments({ workers, workerData }));
after(async () => {
  for (const environments of onWorkers) await environments.close();
  rmSync(folder, { recursive: true });
});

for (const specId of ['CartPole-v1', 'HalfCheetah-v5']) {
  for (const mode of AUTORESET_MODES) {
    test(`7 ${specId} with ${mode} are the same on 1, 2 and 3 workers`, { timeout: 60_000 }, async () => {
      const wanted = plan(specId, 7, mode);
      const [one, ...others] = await Promise.all(onWorkers.map((environments) => play(environments, wanted)));
      for (const other of others) assert.deepEqual(other, one);
      if (mode !== 'Disabled') await replay(wanted, one ?? []);
    });
  }
}

test('one action that is refused leaves every block where it was', async (t) => {
  const environments = open(t, 2);
  const { id } = await environments.create(plan('Pendulum-v1', 4, 'NextStep'));
  await environments.reset(id, ALL);
  const refused = environments.step(id, { actions: [[0], [0], [0], ['NaN']], seq: null });
  await assert.rejects(refused, /actions\[3\]\[0\] is NaN/);
  const whole = { actions: [[0], [0], [0], [0]], seq: 2 };
  const step = await environments.step(id, whole);
  assert.deepEqual(await environments.step(id, whole), step);
  const again = await environments.create(plan('Pendulum-v1', 4, 'NextStep'));
  await environments.reset(again.id, ALL);
  assert.deepEqual(await environments.step(again.id, whole), step);
});

test('sub-environments count, those in the making too, and leave room when they go', async (t) => {
  const environments = open(t, 2, 10);
  const [first, second] = await Promise.allSettled(
    [6, 5].map((n) => environments.create(plan('CartPole-v1', n, 'NextStep'))),
  );
  assert.equal(environments.count, 6);
  assert.match(String((second as PromiseRejectedResult).reason), /at most 10 environments and has 6, so that 5 more/);
  await assert.rejects(environments.create(plan('CartPole-v1', 11, 'NextStep')), /num_envs is 11, send less/);
  assert.ok(first?.status === 'fulfilled');
  await environments.delete(first.value.id);
  assert.equal(environments.count, 0);
  await environments.create(plan('CartPole-v1', 10, 'NextStep'));
});

test('kwargs that are refused leave no block behind', async (t) => {
  const environments = open(t, 3);
  const wrong = { ...plan('Pendulum-v1', 6, 'NextStep'), kwargs: { gravity: 1 } };
  await assert.rejects(environments.create(wrong), /"gravity" is not a keyword argument/);
  assert.equal(environments.count, 0);
});

test('one lost worker takes the whole vector with it, and no other', async (t) => {
  const threads = startedThreads(t);
  const environments = open(t, 2);
  const { id } = await environments.create(plan('CartPole-v1', 4, 'NextStep'));
  const single = await environments.create({ ...plan('CartPole-v1', 1, 'NextStep'), vector: null });
  await environments.reset(id, ALL);
  const [, second] = threads;
  const pending = environments.step(id, { actions: [0, 0, 0, 0], seq: null });
  await second?.terminate();
  await assert.rejects(pending, (error: DomainError) => ['worker_lost', 'environment_gone'].includes(error.code));
  await assert.rejects(environments.reset(id, ALL), /was lost with its worker thread/);
  assert.equal(environments.count, 1);
  await environments.reset(single.id, ALL);
  const again = await environments.create(plan('CartPole-v1', 4, 'NextStep'));
  await environments.reset(again.id, ALL);
});
