// What a fuzzed server holds before the first request, so that ids lead somewhere: environments of every kind of space, agents,
// checkpoints and jobs that have ended; and as many again for those operations that delete.
import type { ApiClient, Json } from '../api-client.ts';

/** Ids by kind, `spare` ones to be deleted. */
export type Ids = Readonly<Record<string, readonly string[]>>;

interface Resource {
  readonly id: string;
}

const ENVIRONMENTS: readonly Json[] = [
  { spec_id: 'CartPole-v1' },
  { spec_id: 'Pendulum-v1' },
  { spec_id: 'MountainCarContinuous-v0', wrappers: [{ name: 'NormalizeObservation' }] },
  { spec_id: 'FrozenLake-v1', render_mode: 'ansi' },
  { spec_id: 'Hopper-v5' },
  { spec_id: 'Pendulum-v1', num_envs: 2 },
  { spec_id: 'CartPole-v1', num_envs: 1, autoreset_mode: 'SameStep' },
];
const AGENTS: readonly Json[] = [
  {
    algorithm: 'sac',
    spec_id: 'Pendulum-v1',
    hyperparameters: { hidden_sizes: [16, 16], batch_size: 16, learning_starts: 10, replay_capacity: 1000 },
  },
  { algorithm: 'soft_policy_iteration', spec_id: 'FrozenLake-v1' },
];

export async function furnish(api: ApiClient): Promise<Ids> {
  const environments = await each(ENVIRONMENTS, (body) => environment(api, body));
  const spareEnvironments = await each(ENVIRONMENTS.slice(0, 2), (body) => environment(api, body));
  const agents = await each(AGENTS, (body) => create(api, '/v1/agents', body));
  const spareAgents = await each(AGENTS, (body) => create(api, '/v1/agents', body));
  const jobs = await each(agents, (agent) => finishedJob(api, agent));
  const spareJobs = await each(agents, (agent) => finishedJob(api, agent));
  const checkpoints = await each(agents, (agent) => create(api, `/v1/agents/${agent}/checkpoints`, {}));
  const spareCheckpoints = await each(agents, (agent) => create(api, `/v1/agents/${agent}/checkpoints`, {}));
  // Those that an agent stands on cannot be deleted.
  await each(agents, (agent) => create(api, `/v1/agents/${agent}/checkpoints`, {}));
  return { environments, spareEnvironments, agents, spareAgents, jobs, spareJobs, checkpoints, spareCheckpoints };
}

async function environment(api: ApiClient, body: Json): Promise<string> {
  const id = await create(api, '/v1/environments', { ...body, seed: 1, idle_ttl_s: 86_400 });
  await api.post(`/v1/environments/${id}/reset`);
  return id;
}

async function finishedJob(api: ApiClient, agent: string): Promise<string> {
  const id = await create(api, `/v1/agents/${agent}/train`, { total_timesteps: 30 });
  for (;;) {
    const { state } = await api.get<{ readonly state: string }>(`/v1/jobs/${id}?wait=60s`);
    if (state === 'succeeded') return id;
    if (state === 'failed') throw new Error(`Job ${id}, which was to be there for the fuzzer, failed.`);
  }
}

async function create(api: ApiClient, path: string, body: Json): Promise<string> {
  return (await api.post<Resource>(path, body)).id;
}

/** One after the other: they are made in one thread anyway. */
async function each<T>(list: readonly T[], make: (item: T) => Promise<string>): Promise<string[]> {
  const made: string[] = [];
  for (const item of list) made.push(await make(item));
  return made;
}
