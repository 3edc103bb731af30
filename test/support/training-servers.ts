// Servers in processes of their own that train, and what their jobs left: for tests that disturb them and compare.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiClient } from '../../scripts/api-client.ts';
import { type ServerProcess, startServer } from '../../scripts/server-process.ts';
import type { BlobRef, NamedBlob } from '../../src/storage/checkpoints.ts';

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly progress: { readonly timesteps: number };
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
