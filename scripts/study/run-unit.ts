// One unit, from wherever the server has it to its evidence. All that it knows is read from the API, so that it makes no
// difference how often it was interrupted.
import type { ApiClient } from '../api-client.ts';
import { sha256 } from './canonical-json.ts';
import type { Evidence, UnitFiles } from './evidence.ts';
import { evaluationTable, joinParts, prefixTable } from './metric-table.ts';
import type { Commit, Machine } from './provenance.ts';
import {
  type Agent,
  type Checkpoint,
  ended,
  type Job,
  type JobEvent,
  listAll,
  type MetricSeries,
} from './resources.ts';
import { runningSeconds } from './running-time.ts';
import type { Unit } from './unit-config.ts';

export interface RunSettings {
  readonly engine: string;
  readonly threads: number;
  readonly jobs: number;
  readonly command: string;
  readonly version: string;
  readonly commit: Commit;
  readonly machine: Machine;
  /** Throws where a job that started now would run other code than those before. */
  readonly assertSameBuild: () => void;
}

export type Watch = (progress: {
  readonly timesteps: number;
  readonly stepsPerSecond: number;
  readonly lastReturn: number | string | null;
}) => void;

/** By these an interrupted study finds its agents again. */
const UNIT_LABEL = 'study.unit';
const COMMIT_LABEL = 'study.commit';
/** On a job: the timesteps that its agent had when it began. */
const FROM_LABEL = 'study.from';

/** Agents of earlier runs of the same units, by the unit's digest. */
export async function knownAgents(api: ApiClient): Promise<ReadonlyMap<string, Agent>> {
  const agents = await listAll<Agent>(api, '/v1/agents');
  const labelled = agents.flatMap((agent) => {
    const unit = agent.labels[UNIT_LABEL];
    return unit === undefined ? [] : [[unit, agent] as const];
  });
  return new Map(labelled);
}

/** Trains what is left of the unit. Throws where a job fails; the next run of the study goes on from its last checkpoint. */
export async function trainUnit(
  api: ApiClient,
  unit: Unit,
  known: Agent | undefined,
  settings: RunSettings,
  watch: Watch,
): Promise<Agent> {
  let agent = known ?? (await createAgent(api, unit, settings.commit));
  let lastReturn: number | string | null = null;
  for (;;) {
    const jobId = agent.training_job_id ?? (await startNext(api, unit, agent, settings));
    if (jobId === null) return agent;
    const job = await ended(api, jobId, ({ progress, metrics, labels }) => {
      lastReturn = metrics['eval/return_mean'] ?? lastReturn;
      const timesteps = Number(labels[FROM_LABEL] ?? 0) + progress.timesteps;
      watch({ timesteps, stepsPerSecond: progress.steps_per_second, lastReturn });
    });
    if (job.state !== 'succeeded')
      throw new Error(`Job ${job.id} ${job.state}: ${job.error?.message ?? 'no reason given'}`);
    agent = await api.get<Agent>(`/v1/agents/${agent.id}`);
  }
}

/** What a finished unit came to. */
export async function collectUnit(api: ApiClient, unit: Unit, agent: Agent, settings: RunSettings): Promise<UnitFiles> {
  const jobs = (await listAll<Job>(api, `/v1/jobs?type=train&agent_id=${agent.id}`)).reverse();
  const parts = await Promise.all(
    jobs.map(async (job) => {
      const { data } = await api.get<{ data: MetricSeries[] }>(`/v1/jobs/${job.id}/metrics?max_points=10000`);
      const events = await listAll<JobEvent>(api, `/v1/jobs/${job.id}/events`);
      return { from: Number(job.labels[FROM_LABEL] ?? 0), series: data, seconds: runningSeconds(events) };
    }),
  );
  const metrics = joinParts(parts);
  const prefix = prefixTable(metrics, unit.prefixEnd);
  const checkpoints = await listAll<Checkpoint>(api, `/v1/agents/${agent.id}/checkpoints`);
  const prefixCheckpoint = checkpoints.find(({ timesteps }) => timesteps === unit.prefixEnd);
  const final = checkpoints.find(({ id }) => id === agent.checkpoint_id);
  const last = jobs.at(-1);
  if (prefixCheckpoint === undefined || final === undefined || last === undefined)
    throw new Error(`Agent ${agent.id} lacks a checkpoint at ${unit.prefixEnd} or ${unit.config.steps} timesteps.`);
  const wall = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  const began = agent.labels[COMMIT_LABEL];
  const evidence: Evidence = {
    format: 1,
    name: unit.name,
    group: unit.group,
    config_hash: unit.configHash,
    study_hash: unit.studyHash,
    config: unit.config,
    command: settings.command,
    date: last.ended_at ?? '',
    gymserve: { version: settings.version, ...settings.commit },
    ...(began !== undefined && began !== nameOf(settings.commit) && { began_on_commit: began }),
    machine: settings.machine,
    node: process.version,
    engine: {
      name: last.config.engine,
      identity: await engineIdentity(api, final.id),
      threads: last.config.threads,
    },
    jobs: settings.jobs,
    wall_s: round(wall),
    steps_per_second: round(unit.config.steps / wall),
    prefix: {
      timesteps: unit.prefixEnd,
      model_sha256: prefixCheckpoint.sha256,
      metrics_sha256: sha256(prefix),
      wall_s: round(parts.filter(({ from }) => from < unit.prefixEnd).reduce((sum, { seconds }) => sum + seconds, 0)),
    },
    final: { timesteps: final.timesteps, model_sha256: final.sha256 },
  };
  return { evidence, table: evaluationTable(metrics), prefix };
}

/** Deletes the checkpoints that nobody asks for any more: each holds the replay buffer, up to a gigabyte. */
export async function tidyUnit(api: ApiClient, unit: Unit, agent: Agent): Promise<void> {
  const checkpoints = await listAll<Checkpoint>(api, `/v1/agents/${agent.id}/checkpoints`);
  for (const { id, timesteps } of checkpoints)
    if (timesteps > unit.prefixEnd && id !== agent.checkpoint_id) await api.delete(`/v1/checkpoints/${id}`);
}

/** What the engine was when it wrote the checkpoint: it stands in the file's header, which is text. */
export async function engineIdentity(api: ApiClient, checkpointId: string): Promise<string | null> {
  const url = `${api.url}/v1/checkpoints/${checkpointId}/content`;
  const bytes = async (from: number, to: number) =>
    Buffer.from(await (await fetch(url, { headers: { range: `bytes=${from}-${to}` } })).arrayBuffer());
  // safetensors: eight bytes of length, then as many bytes of JSON.
  const length = Number((await bytes(0, 7)).readBigUInt64LE());
  const header = JSON.parse((await bytes(8, 7 + length)).toString()) as { __metadata__: { gymserve: string } };
  const document = JSON.parse(header.__metadata__.gymserve) as { engine_identity: string | null };
  return document.engine_identity;
}

async function createAgent(api: ApiClient, { name, config, configHash }: Unit, commit: Commit): Promise<Agent> {
  return await api.post<Agent>('/v1/agents', {
    name,
    algorithm: config.algorithm,
    spec_id: config.spec_id,
    env_kwargs: config.env_kwargs,
    hyperparameters: config.hyperparameters,
    seed: config.seed,
    labels: { [UNIT_LABEL]: configHash, [COMMIT_LABEL]: nameOf(commit) },
  });
}

/** The job up to the end of the prefix, or from there to the end; null where nothing is left. */
async function startNext(
  api: ApiClient,
  { config, prefixEnd }: Unit,
  agent: Agent,
  { engine, threads, assertSameBuild }: RunSettings,
): Promise<string | null> {
  const end = agent.timesteps < prefixEnd ? prefixEnd : config.steps;
  if (agent.timesteps >= end) return null;
  assertSameBuild();
  const job = await api.post<Job>(`/v1/agents/${agent.id}/train`, {
    total_timesteps: end - agent.timesteps,
    evaluation: config.evaluation,
    wrappers: config.wrappers ?? [],
    checkpoint: { every_seconds: 60, keep_last: 2 },
    engine,
    threads,
    labels: { [FROM_LABEL]: String(agent.timesteps) },
  });
  return job.id;
}

function nameOf({ commit, dirty }: Commit): string {
  return commit === null ? 'unknown' : `${commit}${dirty ? '+dirty' : ''}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
