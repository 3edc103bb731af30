// Backups of servers that work, of data directories that no server has, and of servers that are killed over it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ApiClient } from '../../scripts/api-client.ts';
import { inspect } from '../../scripts/crash-test/crashes.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ended, type Job, kill, start } from '../support/training-servers.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const AGENT = {
  algorithm: 'sac',
  spec_id: 'Pendulum-v1',
  seed: 5,
  hyperparameters: { hidden_sizes: [32, 32], batch_size: 32, learning_starts: 100, replay_capacity: 2000 },
};
const TRAINING = { total_timesteps: 3000, checkpoint: { every_timesteps: 150, keep_last: 2 }, threads: 1 };

interface Backup {
  readonly id: string;
  readonly damaged: readonly string[];
}

async function gymserve(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await promisify(execFile)(process.execPath, [MAIN, ...args]);
}

async function train(api: ApiClient, training = TRAINING): Promise<{ agentId: string; jobId: string }> {
  const agent = await api.post<{ id: string }>('/v1/agents', AGENT);
  const job = await api.post<Job>(`/v1/agents/${agent.id}/train`, training);
  return { agentId: agent.id, jobId: job.id };
}

async function reach(api: ApiClient, jobId: string, timesteps: number): Promise<void> {
  let job: Job;
  do {
    await sleep(10);
    job = await api.get<Job>(`/v1/jobs/${jobId}`);
    assert.ok(job.error === null, JSON.stringify(job.error));
  } while (job.progress.timesteps < timesteps);
}

async function modelOf(api: ApiClient, agentId: string): Promise<string> {
  const { checkpoint_id: id } = await api.get<{ checkpoint_id: string }>(`/v1/agents/${agentId}`);
  return (await api.get<{ sha256: string }>(`/v1/checkpoints/${id}`)).sha256;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function assertWhole(folder: string): Promise<void> {
  const { integrity, damaged, unnamed } = await inspect(folder);
  assert.deepEqual({ integrity, damaged, unnamed }, { integrity: 'ok', damaged: [], unnamed: [] });
}

test('a server on a backup that was taken while a job trained ends the job with the very same bytes', async (t) => {
  const dataDir = temporaryFolder();
  const { server, api } = await start(t, dataDir);
  let [agentId, jobId, backup] = ['', '', ''];
  // On a fast machine the job may have ended before the backup is there; a longer one has not.
  for (let total = TRAINING.total_timesteps, wasDone = true; wasDone; total *= 4) {
    ({ agentId, jobId } = await train(api, { ...TRAINING, total_timesteps: total }));
    await reach(api, jobId, 700);
    const { id, damaged } = await api.post<Backup>('/v1/backups');
    assert.deepEqual(damaged, []);
    assert.equal((await ended(api, jobId)).state, 'succeeded');
    backup = join(dataDir, 'backups', id);
    wasDone = (await inspect(backup)).events.some(({ type, jobId: of }) => type === 'job.done' && of === jobId);
  }
  const model = await modelOf(api, agentId);
  assert.ok(statSync(join(backup, 'blobs', readdirSync(join(backup, 'blobs'))[0] ?? '')).nlink > 0);
  await server.stop();

  const restored = temporaryFolder();
  cpSync(backup, restored, { recursive: true });
  await assertWhole(restored);
  const second = await start(t, restored);
  assert.equal((await ended(second.api, jobId)).state, 'succeeded');
  assert.equal(await modelOf(second.api, agentId), model);
  await second.server.stop();
  // Both have written and deleted since, and had files in common.
  for (const folder of [restored, dataDir]) assert.deepEqual((await inspect(folder)).damaged, []);
});

test('gymserve backup asks the server that has the data directory, and copies where none has', async (t) => {
  const dataDir = temporaryFolder();
  const { server, api } = await start(t, dataDir);
  await train(api, { ...TRAINING, total_timesteps: 200 });
  const asked = (await gymserve('backup', '--data-dir', dataDir)).stdout.trim();
  assert.ok(existsSync(join(asked, 'gymserve.db')), asked);
  assert.equal((await api.get<{ data: unknown[] }>('/v1/backups')).data.length, 1);
  await kill(server);
  const taken = (await gymserve('backup', '--data-dir', dataDir)).stdout.trim();
  assert.notEqual(taken, asked);
  await assertWhole(taken);
  const { server: restored, api: again } = await start(t, taken);
  assert.equal((await again.get<{ data: unknown[] }>('/v1/agents')).data.length, 1);
  await restored.stop();
});

test('gymserve backup needs a key where the server does, and says what is wrong', async (t) => {
  const dataDir = temporaryFolder();
  const { server } = await start(t, dataDir, ['--create-key', 'true']);
  const key = server.announced.map((line) => /gsk_[\w-]+/.exec(line)?.[0]).find((found) => found !== undefined) ?? '';
  await assert.rejects(gymserve('backup', '--data-dir', dataDir), /answers 401: Send one of this server's API keys/);
  const { stdout } = await gymserve('backup', '--data-dir', dataDir, '--key', key);
  assert.ok(!existsSync(join(stdout.trim(), 'api-keys')), 'keys are in no backup');
  assert.match((await gymserve('backup', '--url', server.url, '--key', key)).stdout, /^bkp_/);
  const nowhere = temporaryFolder();
  await assert.rejects(gymserve('backup', '--data-dir', nowhere), /There is no database in .*name the data directory/);
  await assert.rejects(gymserve('backup', '--url', 'http://127.0.0.1:1'), /No server answers at .* start it/);
  await assert.rejects(gymserve('backup', '--url', 'file:///etc'), /The server's URL is "file:\/\/\/etc"/);
});

test('a server that is killed over a backup leaves either all of it or nothing that looks like one', async (t) => {
  const dataDir = temporaryFolder();
  const rng = Pcg64.fromSeed(freshSeed(t));
  let { server, api } = await start(t, dataDir);
  await train(api, { ...TRAINING, total_timesteps: 100_000 });
  let parts = 0;
  for (let round = 0; round < 8; round++) {
    const asked = api.post('/v1/backups').catch(() => undefined);
    await sleep(rng.random() * 200);
    await kill(server);
    await asked;
    const names = namesIn(join(dataDir, 'backups'));
    parts += names.filter((name) => name.startsWith('.')).length;
    for (const name of names.filter((found) => !found.startsWith('.')))
      await assertWhole(join(dataDir, 'backups', name));
    ({ server, api } = await start(t, dataDir));
    const listed = (await api.get<{ data: Backup[] }>('/v1/backups')).data.map(({ id }) => id);
    assert.deepEqual(namesIn(join(dataDir, 'backups')).sort(), listed.sort());
  }
  t.diagnostic(`${parts} parts were cleared`);
  const { id } = await api.post<Backup>('/v1/backups');
  await assertWhole(join(dataDir, 'backups', id));
});
