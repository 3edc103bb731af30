// Checkpoint files that lost their ends while the server was down. A job whose newest checkpoint did goes on from the one before,
// and becomes what it would have become; one that has no whole checkpoint left fails with what is wrong, and nothing is deleted.
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../api-client.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { assertSucceeded, inspect, kill } from './crashes.ts';
import type { Evidence } from './evidence.ts';
import { AGENTS, hasEnded, type Job, Trainee } from './load.ts';

const ARGS = ['--max-running-jobs', '2', '--disk-reserve', '0'];

interface Event {
  readonly type: string;
  readonly data: { readonly reason?: string; readonly damaged_checkpoint_id?: string; readonly checkpoint_id?: string };
}

export async function truncated(dataDir: string, evidence: Evidence, log: (line: string) => void): Promise<void> {
  const servers: ServerProcess[] = [];
  try {
    await truncate(dataDir, evidence, log, servers);
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
  }
}

/** Adds each server that it starts to `servers`. */
async function truncate(
  dataDir: string,
  evidence: Evidence,
  log: (line: string) => void,
  servers: ServerProcess[],
): Promise<void> {
  const begin = async () => {
    const server = await startServer({ dataDir, args: ARGS });
    servers.push(server);
    return { server, api: new ApiClient(server.url) };
  };
  const file = (sha256: string) => join(dataDir, 'blobs', sha256);
  const halve = (sha256: string) => truncateSync(file(sha256), Math.floor(statSync(file(sha256)).size / 2));
  /** A job of its own length, once it has two checkpoints: one that has ended reads none of them again. */
  const trained = async (api: ApiClient, { agentId }: Trainee, timesteps: number): Promise<string> => {
    const training = { total_timesteps: timesteps, checkpoint: { every_timesteps: 130, keep_last: 2 } };
    const { id } = await api.post<Job>(`/v1/agents/${agentId}/train`, training);
    for (;;) {
      const { data } = await api.get<{ data: { job_id: string | null }[] }>(`/v1/agents/${agentId}/checkpoints`);
      if (data.filter((checkpoint) => checkpoint.job_id === id).length >= 2) return id;
      await sleep(10);
    }
  };

  let { server, api } = await begin();
  const [goesOn, fails] = await Promise.all(AGENTS.map((agent) => Trainee.create(api, agent)));
  if (goesOn === undefined || fails === undefined) throw new Error('There are not two agents.');
  const failing = await trained(api, fails, 1_000_000);
  const goingOn = await trained(api, goesOn, 8000);
  await kill(server);
  const { checkpoints } = await inspect(dataDir);
  const of = (jobId: string) => checkpoints.filter((checkpoint) => checkpoint.jobId === jobId);
  const [newest, older] = of(goingOn);
  if (newest === undefined || older === undefined) throw new Error(`Job ${goingOn} has not two checkpoints.`);
  halve(newest.model);
  const all = checkpoints.filter(({ jobId, model }) => jobId !== goingOn && model !== newest.model);
  const lost = all.filter(({ jobId }) => jobId === failing || jobId === null);
  // Both agents' beginnings too: the first one's job does not need it.
  for (const model of new Set(lost.map((checkpoint) => checkpoint.model))) halve(model);

  ({ server, api } = await begin());
  await assertSucceeded(api, goingOn, evidence);
  const { data: events } = await api.get<{ data: Event[] }>(`/v1/jobs/${goingOn}/events?page_size=200`);
  const said = events.find(({ data }) => data.reason === 'checkpoint_corrupt')?.data;
  evidence.expect(
    said?.damaged_checkpoint_id === newest.id && said.checkpoint_id === older.id,
    `the job does not say that it went back from ${newest.id} to ${older.id}: ${JSON.stringify(said)}`,
  );
  const { data: logs } = await api.get<{ data: { message: string }[] }>(`/v1/jobs/${goingOn}/logs`);
  const line = logs.map(({ message }) => message).find((message) => message.includes(newest.id));
  evidence.expect(line?.includes(newest.model) === true, `no log names ${newest.model}: ${line}`);
  log(line ?? '');

  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${failing}?wait=30`);
  while (!hasEnded(job));
  log(`${job.state} with ${job.error?.code}: ${job.error?.message}`);
  evidence.expect(
    job.state === 'failed' && job.error?.code === 'checkpoint_corrupt',
    `truncated checkpoints gave ${job.state}: ${JSON.stringify(job.error)}`,
  );
  for (const { id } of of(failing)) {
    const { damage } = await api.get<{ damage: string | null }>(`/v1/checkpoints/${id}`);
    evidence.expect(damage !== null, `checkpoint ${id} does not say that it is damaged`);
  }
  await server.stop();
  const after = await inspect(dataDir);
  evidence.expect(after.integrity === 'ok', `PRAGMA integrity_check: ${after.integrity}`);
  const unexpected = after.damaged.filter((sha256) => !lost.some(({ model }) => model === sha256));
  evidence.expect(unexpected.length === 0, `other files are damaged: ${unexpected.join(', ')}`);
  const stored = new Set(readdirSync(join(dataDir, 'blobs')));
  evidence.expect(
    lost.every(({ model }) => stored.has(model)),
    'damaged files were deleted',
  );
}
