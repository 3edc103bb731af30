// A checkpoint file that lost its end while the server was down: its job fails with what is wrong, and nothing else is lost.
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../api-client.ts';
import { startServer } from '../server-process.ts';
import { assertSucceeded, inspect, kill } from './crashes.ts';
import type { Evidence } from './evidence.ts';
import { AGENTS, hasEnded, type Job, Trainee } from './load.ts';

const ARGS = ['--max-running-jobs', '2', '--disk-reserve', '0'];

export async function truncated(dataDir: string, evidence: Evidence, log: (line: string) => void): Promise<void> {
  let server = await startServer({ dataDir, args: ARGS });
  let api = new ApiClient(server.url);
  const [damaged, other] = await Promise.all(AGENTS.map((agent) => Trainee.create(api, agent)));
  if (damaged === undefined || other === undefined) throw new Error('There are not two agents.');
  for (const trainee of [damaged, other]) await trainee.launch(api);
  const [jobId = ''] = damaged.jobs;
  for (;;) {
    const { data } = await api.get<{ data: { job_id: string | null }[] }>(`/v1/agents/${damaged.agentId}/checkpoints`);
    if (data.filter((checkpoint) => checkpoint.job_id === jobId).length >= 2) break;
    await sleep(10);
  }
  await kill(server);
  const [newest, older] = (await inspect(dataDir)).checkpoints.filter((checkpoint) => checkpoint.jobId === jobId);
  if (newest === undefined || older === undefined) throw new Error(`Job ${jobId} has not two checkpoints.`);
  const file = join(dataDir, 'blobs', newest.model);
  truncateSync(file, Math.floor(statSync(file).size / 2));

  server = await startServer({ dataDir, args: ARGS });
  api = new ApiClient(server.url);
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${jobId}?wait=30`);
  while (!hasEnded(job));
  log(`${job.state} with ${job.error?.code}: ${job.error?.message}`);
  const isClear =
    job.state === 'failed' && job.error?.code === 'checkpoint_corrupt' && job.error.message.includes(newest.model);
  evidence.expect(isClear, `a truncated checkpoint gave ${job.state}: ${JSON.stringify(job.error)}`);
  await assertSucceeded(api, other.jobs[0] ?? '', evidence);
  await api.post(`/v1/agents/${damaged.agentId}/restore`, { checkpoint_id: older.id });
  await damaged.launch(api);
  await assertSucceeded(api, damaged.jobs.at(-1) ?? '', evidence);
  await server.stop();
  const after = await inspect(dataDir);
  evidence.expect(after.integrity === 'ok', `PRAGMA integrity_check: ${after.integrity}`);
  const unexpected = after.damaged.filter((sha256) => sha256 !== newest.model);
  evidence.expect(unexpected.length === 0, `other files are damaged: ${unexpected.join(', ')}`);
}
