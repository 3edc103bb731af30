// What a server does while it is killed: two agents that train, job after job, five environments that are stepped, and readers
// of the jobs' events.
import type { ApiClient, Json } from '../api-client.ts';
import type { Evidence, SeenEvent } from './evidence.ts';

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly progress: { readonly timesteps: number };
}

interface Environment {
  readonly id: string;
}

const HYPERPARAMETERS = { hidden_sizes: [32, 32], batch_size: 32, learning_starts: 100, replay_capacity: 2000 };
export const AGENTS: readonly Json[] = [
  { name: 'swinger', algorithm: 'sac', spec_id: 'Pendulum-v1', seed: 1, hyperparameters: HYPERPARAMETERS },
  { name: 'runner', algorithm: 'sac', spec_id: 'HalfCheetah-v5', seed: 2, hyperparameters: HYPERPARAMETERS },
];
const TRAINING: Json = {
  total_timesteps: 4000,
  evaluation: { every_timesteps: 1000, episodes: 1 },
  checkpoint: { every_timesteps: 130, keep_last: 2 },
};
const ENVIRONMENTS = ['Pendulum-v1', 'CartPole-v1', 'HalfCheetah-v5', 'Hopper-v5', 'FrozenLake-v1'];

export const hasEnded = ({ state }: Job): boolean => ['succeeded', 'failed', 'cancelled'].includes(state);

/** One agent, and the jobs that train it in turn: another as soon as the last has ended, for as long as it is wanted. */
export class Trainee {
  readonly agentId: string;
  /** In their order, by the keys under which they were asked for, so that none is made twice. */
  readonly jobs: string[] = [];

  private constructor(agentId: string) {
    this.agentId = agentId;
  }

  static async create(api: ApiClient, agent: Json): Promise<Trainee> {
    return new Trainee((await api.post<{ id: string }>('/v1/agents', agent)).id);
  }

  /** Asks for the next job under its own key: a server that was killed over the first try may have made it, or not. */
  async launch(api: ApiClient, training: Json = {}): Promise<void> {
    const key = `${this.agentId}-${this.jobs.length}`;
    const job = await api.post<Job>(
      `/v1/agents/${this.agentId}/train`,
      { ...TRAINING, ...training },
      { 'idempotency-key': key },
    );
    this.jobs.push(job.id);
  }

  async current(api: ApiClient): Promise<Job | null> {
    const id = this.jobs.at(-1);
    return id === undefined ? null : await api.get<Job>(`/v1/jobs/${id}`);
  }
}

/** Makes five environments and steps them until the server is gone; returns their ids. */
export async function playEnvironments(api: ApiClient): Promise<string[]> {
  const made = await Promise.all(
    ENVIRONMENTS.map((spec_id) => api.post<Environment>('/v1/environments', { spec_id, num_envs: 2, seed: 1 })),
  );
  for (const { id } of made) {
    void (async () => {
      await api.post(`/v1/environments/${id}/reset`);
      for (;;) await api.post(`/v1/environments/${id}/rollout`, { steps: 20 });
    })().catch(() => undefined);
  }
  return made.map(({ id }) => id);
}

/** Reads the events of a job until the server is gone, and remembers what it saw. */
export function readEvents(api: ApiClient, jobId: string, evidence: Evidence): void {
  void (async () => {
    const response = await fetch(`${api.url}/v1/jobs/${jobId}/events`, { headers: { accept: 'text/event-stream' } });
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        const event = data === undefined ? null : (JSON.parse(data) as SeenEvent & { type: string; data: unknown });
        if (event !== null && event.id !== null) {
          evidence.saw(jobId, { id: event.id, type: event.type, data: event.data });
        }
      }
    }
  })().catch(() => undefined);
}
