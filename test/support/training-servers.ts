// Servers in processes of their own that train, and what their jobs left: for tests that disturb them and compare.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiClient } from '../../scripts/api-client.ts';
import { type ServerProcess, startServer } from '../../scripts/server-process.ts';
import type { Pcg64 } from '../../src/math/pcg64.ts';
import type { BlobRef, NamedBlob } from '../../src/storage/checkpoints.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly progress: { readonly timesteps: number; readonly updates: number };
  readonly result: unknown;
}

export interface Saved {
  readonly timesteps: number;
  readonly model: BlobRef;
  readonly experience: BlobRef;
  readonly segments: readonly NamedBlob[];
}

/** Whole episodes of 200 steps; in a run of 2,400, the ring is full after a third and wraps thrice. */
export const SMALL_AGENT = {
  algorithm: 'sac',
  spec_id: 'Pendulum-v1',
  seed: 3,
  hyperparameters: { hidden_sizes: [32, 32], batch_size: 32, learning_starts: 100, replay_capacity: 700 },
};

export async function start(
  t: TestContext,
  dataDir: string,
  args: readonly string[] = [],
): Promise<{ server: ServerProcess; api: ApiClient }> {
  const server = await startServer({ dataDir, args });
  t.after(() => server.stop());
  return { server, api: new ApiClient(server.url) };
}

export async function kill({ child }: ServerProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function ended(api: ApiClient, id: string): Promise<Job> {
  for (;;) {
    const job = await api.get<Job>(`/v1/jobs/${id}?wait=30`);
    if (['succeeded', 'failed', 'cancelled'].includes(job.state)) return job;
  }
}

/** Until the job reports progress, its program being compiled, or has ended. */
export async function begun(api: ApiClient, id: string): Promise<void> {
  let job: Job;
  do job = await api.get<Job>(`/v1/jobs/${id}`);
  while (job.progress.timesteps === 0 && ['queued', 'running'].includes(job.state));
}

/** How it ends, and the milliseconds from its first progress to its end. */
export async function undisturbed(api: ApiClient, id: string): Promise<{ job: Job; tookMs: number }> {
  await begun(api, id);
  const from = performance.now();
  const job = await ended(api, id);
  return { job, tookMs: performance.now() - from };
}

/**
 * A job whose server was killed up to three times, and once at least while the job ran: at instants drawn from the first part of the time
 * that it takes undisturbed, or of a shorter part, with a new job in a new folder, where that one was over before it could be killed.
 */
export async function killedAtAnyInstant<Ids extends { readonly jobId: string }>(
  t: TestContext,
  launch: (api: ApiClient) => Promise<Ids>,
  { tookMs, rng }: { readonly tookMs: number; readonly rng: Pcg64 },
) {
  for (let part = (tookMs * 2) / 3; ; part /= 2) {
    const dataDir = temporaryFolder();
    let { server, api } = await start(t, dataDir);
    const ids = await launch(api);
    let kills = 0;
    for (let life = 0; life < 3 && kills === life; life++) {
      await begun(api, ids.jobId);
      await sleep(rng.random() * part);
      if ((await api.get<Job>(`/v1/jobs/${ids.jobId}`)).state === 'running') kills++;
      await kill(server);
      ({ server, api } = await start(t, dataDir));
    }
    t.diagnostic(`${kills} kills`);
    if (kills > 0) return { dataDir, server, api, ids };
    await server.stop();
    assert.ok(part > 1, 'the job ended before it could be killed');
  }
}

export async function metricsOf(api: ApiClient, jobId: string): Promise<unknown> {
  return (await api.get<{ data: unknown }>(`/v1/jobs/${jobId}/metrics?max_points=10000`)).data;
}

/** By their digests, all that the agent's newest checkpoint names. No server may have the data directory. */
export async function newestCheckpoint(dataDir: string, agentId: string, identity?: string): Promise<Saved> {
  const script = fileURLToPath(new URL('./newest-checkpoint.js', import.meta.url));
  const args = [script, dataDir, agentId, ...(identity === undefined ? [] : [identity])];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Saved;
}
