// A job and its agent as the database holds them.
import type { AgentRow } from '../../src/storage/agents.ts';
import type { JobRow } from '../../src/storage/jobs.ts';

const space = { type: 'Discrete', n: 1, start: 0 } as const;
const time = new Date(0);

export const jobRow: JobRow = {
  id: 'job_1',
  type: 'train',
  state: 'queued',
  agentId: 'agt_1',
  config: { total_timesteps: 10 },
  seed: 0,
  progress: {
    timesteps: 0,
    totalTimesteps: 10,
    fraction: 0,
    episodes: 0,
    updates: 0,
    stepsPerSecond: 0,
    updatesPerSecond: 0,
    etaS: null,
  },
  metrics: {},
  error: null,
  result: null,
  labels: {},
  startCheckpointId: 'ckpt_1',
  attempts: 0,
  lastEventId: 0,
  createdAt: time,
  startedAt: null,
  endedAt: null,
  updatedAt: time,
};

export const agentRow: AgentRow = {
  id: jobRow.agentId,
  name: null,
  algorithm: 'sac',
  specId: 'X-v0',
  envKwargs: {},
  observationSpace: space,
  actionSpace: space,
  hyperparameters: {},
  seed: 0,
  labels: {},
  checkpointId: 'ckpt_1',
  createdAt: time,
  updatedAt: time,
};
