// How soon a server is ready, and how long /healthz takes while a job trains: the server in a process of its own, training HalfCheetah-v5 at full size.
//   npm run --silent bench -- health --json [--requests N]
import { ApiClient } from '../scripts/api-client.ts';
import { readFlags } from '../scripts/flags.ts';
import { startServer } from '../scripts/server-process.ts';

const values = readFlags({ requests: { type: 'string', default: '2000' }, json: { type: 'boolean', default: false } });
const requests = Number(values.requests);

const begun = performance.now();
const server = await startServer();
const readyMs = performance.now() - begun;
try {
  const api = new ApiClient(server.url);
  const idle = await latencies(api, requests);
  const agent = await api.post<{ id: string }>('/v1/agents', { algorithm: 'sac', spec_id: 'HalfCheetah-v5', seed: 0 });
  const job = await api.post<{ id: string }>(`/v1/agents/${agent.id}/train`, { total_timesteps: 1_000_000 });
  const progress = async () => {
    const path = `/v1/jobs/${job.id}`;
    return (await api.get<{ progress: { updates: number; updates_per_second: number } }>(path)).progress;
  };
  while ((await progress()).updates < 100) await new Promise((resolve) => setTimeout(resolve, 200));
  const training = await latencies(api, requests);
  const { updates_per_second } = await progress();
  await api.post(`/v1/jobs/${job.id}/cancel`);
  await api.get(`/v1/jobs/${job.id}?wait=10`);
  const row = {
    requests,
    ready_ms: readyMs,
    idle_p50_ms: percentile(idle, 0.5),
    idle_p99_ms: percentile(idle, 0.99),
    training_p50_ms: percentile(training, 0.5),
    training_p99_ms: percentile(training, 0.99),
    training_max_ms: Math.max(...training),
    updates_per_s: updates_per_second,
  };
  const lines = Object.entries(row).map(([name, value]) => `${name.padEnd(18)} ${Math.round(value * 100) / 100}`);
  process.stdout.write(`${values.json ? JSON.stringify(row) : lines.join('\n')}\n`);
} finally {
  await server.stop();
}

/** Milliseconds of each request, 10 ms apart, so that a stall of the server is met and not skipped. */
async function latencies(api: ApiClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await api.get('/healthz');
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return times.sort((a, b) => a - b);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
