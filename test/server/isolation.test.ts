// Jobs in processes of their own: the same bytes as in a thread, and what becomes of a job whose process dies or hangs, and of
// a process whose server dies.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { ApiClient } from '../../scripts/api-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ended, type Job, kill, newestCheckpoint, start } from '../support/training-servers.ts';

const AGENT = {
  algorithm: 'sac',
  spec_id: 'Pendulum-v1',
  seed: 5,
  hyperparameters: { hidden_sizes: [32, 32], batch_size: 32, learning_starts: 100 },
};
const TRAINING = { total_timesteps: 3000, checkpoint: { every_timesteps: 250, keep_last: 2 } };
const IN_PROCESS = ['--job-isolation', 'process'];

async function launch(api: ApiClient, training: object = TRAINING) {
  const { id: agentId } = await api.post<Job>('/v1/agents', AGENT);
  const { id: jobId } = await api.post<Job>(`/v1/agents/${agentId}/train`, { ...training });
  return { agentId, jobId };
}

/** The job's process; there is one, so no other child of the server has that script. */
async function processOf(serverPid: number | undefined): Promise<number> {
  for (;;) {
    const found = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && isJobOf(Number(pid), Number(serverPid)));
    if (found !== undefined) return Number(found);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isJobOf(pid: number, parent: number): boolean {
  try {
    const isChild = readFileSync(`/proc/${pid}/status`, 'utf8').includes(`\nPPid:\t${parent}\n`);
    return isChild && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('job-process-worker');
  } catch {
    // It ended meanwhile.
    return false;
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

async function reached(api: ApiClient, jobId: string, timesteps: number): Promise<void> {
  for (;;) {
    const { progress, state, error } = await api.get<Job>(`/v1/jobs/${jobId}`);
    assert.ok(['queued', 'running'].includes(state), JSON.stringify(error));
    if (progress.timesteps >= timesteps) return;
  }
}

async function finishedBytes(t: TestContext, args: readonly string[]) {
  const dataDir = temporaryFolder();
  const { server, api } = await start(t, dataDir, args);
  const { agentId, jobId } = await launch(api);
  assert.equal((await ended(api, jobId)).state, 'succeeded');
  assert.equal(await server.stop(), 0);
  return await newestCheckpoint(dataDir, agentId);
}

const ONLY_LINUX = process.platform === 'linux' ? false : 'looks into /proc';

test('a job in a process leaves the bytes that it leaves in a thread', async (t) => {
  assert.deepEqual(await finishedBytes(t, IN_PROCESS), await finishedBytes(t, []));
});

for (const { how, signal, limit, says } of [
  { how: 'dies', signal: 'SIGKILL', limit: '600', says: /ended \(SIGKILL\)/ },
  // As short as a busy machine allows: to start a process and to compile take seconds there.
  { how: 'falls silent', signal: 'SIGSTOP', limit: '15', says: /silent for more than 15 s, --job-silence-limit/ },
] as const) {
  test(`a job whose process ${how} goes on from its newest checkpoint, and says why`, {
    skip: ONLY_LINUX,
  }, async (t) => {
    const { server, api } = await start(t, temporaryFolder(), [...IN_PROCESS, '--job-silence-limit', limit]);
    const { jobId } = await launch(api, { ...TRAINING, total_timesteps: 6000 });
    await reached(api, jobId, 600);
    const pid = await processOf(server.child.pid);
    process.kill(pid, signal);
    const job = await ended(api, jobId);
    assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
    assert.ok(!isAlive(pid));
    const { data } = await api.get<{ data: { type: string; data: { reason?: string; message?: string } }[] }>(
      `/v1/jobs/${jobId}/events?page_size=200`,
    );
    const lost = data.find((event) => event.type === 'job.state' && event.data.reason === 'worker_lost');
    assert.match(lost?.data.message ?? '', says);
  });
}

test('the process of a job ends with a server that is killed', { skip: ONLY_LINUX }, async (t) => {
  const { server, api } = await start(t, temporaryFolder(), IN_PROCESS);
  const { jobId } = await launch(api, { total_timesteps: 1_000_000 });
  await reached(api, jobId, 200);
  const pid = await processOf(server.child.pid);
  await kill(server);
  const deadline = Date.now() + 5000;
  while (isAlive(pid)) {
    assert.ok(Date.now() < deadline, `process ${pid} is alive`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
