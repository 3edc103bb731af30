// A thousand environments that nobody comes back to: all of them are let go, with the memory of their workers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Environments } from '../../src/services/environments.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const IDLE_TTL_S = 1;
const MIB = 2 ** 20;
/** Vectors and robots among them; 1,000 in all, sub-environments counted. */
const POPULATION = [
  { specId: 'CartPole-v1', numEnvs: 1, count: 700 },
  { specId: 'FrozenLake-v1', numEnvs: 1, count: 140 },
  { specId: 'Pendulum-v1', numEnvs: 10, count: 12 },
  { specId: 'HalfCheetah-v5', numEnvs: 1, count: 20 },
  { specId: 'Hopper-v5', numEnvs: 4, count: 5 },
] as const;
const TOTAL = POPULATION.reduce((sum, { numEnvs, count }) => sum + numEnvs * count, 0);
/** What garbage of one generation and a heap that does not shrink leave; a thousand that stayed would hold far more. */
const TOLERANCE_BYTES = 60 * MIB;

function plan(specId: string, numEnvs: number) {
  const vector = numEnvs === 1 ? null : ({ numEnvs, autoresetMode: 'NextStep' } as const);
  return { specId, vector, seed: 1, kwargs: {}, wrappers: [], maxEpisodeSteps: null, labels: {}, idleTtlS: IDLE_TTL_S };
}

test('a thousand idle environments expire, and as many again find room', { timeout: 300_000 }, async (t) => {
  assert.equal(TOTAL, 1000);
  const workerData = { dataDir: temporaryFolder(), engines: ENGINE_SETTINGS };
  const environments = new Environments({ workers: 2, workerData });
  t.after(() => environments.close());
  const live = async (): Promise<string[]> => {
    const made = POPULATION.flatMap(({ specId, numEnvs, count }) =>
      Array.from({ length: count }, () => environments.create(plan(specId, numEnvs))),
    );
    return (await Promise.all(made)).map(({ id }) => id);
  };
  const gone = async () => {
    // Sweeps come every few seconds.
    for (const deadline = Date.now() + 120_000; environments.count > 0 && Date.now() < deadline; ) await sleep(100);
    assert.equal(environments.count, 0);
  };

  // The first generation loads the models and grows the heaps; only the later ones say whether anything stays.
  const resident: number[] = [];
  for (let generation = 0; generation < 3; generation++) {
    const ids = await live();
    assert.equal(
      ids.length,
      POPULATION.reduce((sum, { count }) => sum + count, 0),
    );
    await assert.doesNotReject(
      environments.reset(ids[0] ?? '', { seed: null, options: {}, resetMask: null }).catch(
        // A slow machine makes a thousand in more than a second: the first may be gone by now.
        (error: { code?: string }) => assert.equal(error.code, 'environment_gone'),
      ),
    );
    await gone();
    resident.push(process.memoryUsage.rss());
    for (const id of ids) {
      assert.throws(() => environments.get(id), { code: 'environment_gone', message: /expired after 1 idle seconds/ });
    }
  }
  const [, second = 0, third = 0] = resident;
  t.diagnostic(`resident after each generation: ${resident.map((bytes) => Math.round(bytes / MIB)).join(', ')} MiB`);
  assert.ok(third - second < TOLERANCE_BYTES, `${third - second} bytes stayed`);
});
