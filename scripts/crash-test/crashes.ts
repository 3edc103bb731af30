// A server that is killed at random instants, over and over, while it trains and plays; after each kill its data directory is looked
// at, and the next server has to go on from there. In the end its agents have to be what they would have become undisturbed.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ApiClient } from '../api-client.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import type { Evidence } from './evidence.ts';
import type { Inspection } from './inspect.ts';
import { AGENTS, hasEnded, type Job, playEnvironments, readEvents, Trainee } from './load.ts';

const INSPECT = fileURLToPath(new URL('./inspect.js', import.meta.url));
/** The two jobs, and no engine other than on the server that nothing disturbs. */
const ARGS = ['--max-running-jobs', '2', '--threads', '1', '--disk-reserve', '0'];
/** Longest life of a server, from the moment that it answers. */
const MOST_MS = 3000;
/** Lives in a row in which a job may reach no checkpoint; the server gives it up after ten. On a busy machine lives are longer, then. */
const MOST_FRUITLESS = 6;

export interface CrashPlan {
  readonly kills: number;
  readonly dataDir: string;
  /** A folder for the server that nothing disturbs. */
  readonly straightDir: string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: (line: string) => void;
}

export async function inspect(dataDir: string): Promise<Inspection> {
  const { stdout } = await promisify(execFile)(process.execPath, [INSPECT, dataDir], { maxBuffer: 1 << 30 });
  return JSON.parse(stdout) as Inspection;
}

export async function kill({ child }: ServerProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Finds out what does not survive `plan.kills` kills; all of it goes into `evidence`. */
export async function crashes(plan: CrashPlan, evidence: Evidence): Promise<void> {
  const servers: ServerProcess[] = [];
  try {
    await disturb(plan, evidence, servers);
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
  }
}

/** Adds each server that it starts to `servers`. */
async function disturb(plan: CrashPlan, evidence: Evidence, servers: ServerProcess[]): Promise<void> {
  const { dataDir, log } = plan;
  let trainees: Trainee[] = [];
  let environments: string[] = [];
  const progress = new Progress();
  let kills = 0;
  for (; kills < plan.kills; kills++) {
    const server = await startServer({ dataDir, args: argsOf(kills) });
    servers.push(server);
    const api = new ApiClient(server.url);
    if (kills === 0) trainees = await Promise.all(AGENTS.map((agent) => Trainee.create(api, agent)));
    await assertGone(api, environments, evidence);
    await nextJobs(api, trainees, evidence);
    environments = await playEnvironments(api);
    const lifeMs = plan.random() * MOST_MS;
    await sleep(lifeMs);
    await progress.wait(api, trainees);
    const states = await Promise.all(trainees.map(async (trainee) => (await trainee.current(api))?.state));
    await kill(server);
    log(`kill ${kills + 1} of ${plan.kills}: ${Math.round(lifeMs)} ms after it answered, jobs ${states.join(' and ')}`);
    await hold(dataDir, evidence);
  }

  const server = await startServer({ dataDir, args: argsOf(kills) });
  servers.push(server);
  const api = new ApiClient(server.url);
  for (const trainee of trainees) {
    for (const id of trainee.jobs) await assertSucceeded(api, id, evidence);
  }
  const disturbed = await Promise.all(trainees.map(({ agentId }) => modelOf(api, agentId)));
  await server.stop();
  await hold(dataDir, evidence);
  const files = readdirSync(join(dataDir, 'blobs')).filter((name) => name.startsWith('.'));
  evidence.expect(files.length === 0, `temporary files stay: ${files.join(', ')}`);

  log('the same jobs without a kill, to compare');
  const counts = trainees.map(({ jobs }) => jobs.length);
  const straight = await undisturbed(plan.straightDir, counts, evidence);
  for (const [i, model] of disturbed.entries()) {
    evidence.expect(model === straight[i], `agent ${i} became ${model}, undisturbed ${straight[i]}`);
  }
  log(`${counts.join(' and ')} jobs, models ${disturbed.map((sha256) => sha256.slice(0, 12)).join(' and ')}`);
}

/** Sees to it that jobs get somewhere, however slow the machine is. */
class Progress {
  readonly #seen = new Map<string, { checkpoint: string; fruitless: number }>();

  /** Waits for a checkpoint of each agent whose job reached none for too many lives. */
  async wait(api: ApiClient, trainees: readonly Trainee[]): Promise<void> {
    for (const trainee of trainees) {
      const { checkpoint: last, fruitless } = this.#seen.get(trainee.agentId) ?? { checkpoint: '', fruitless: 0 };
      let checkpoint = await checkpointOf(api, trainee.agentId);
      while (checkpoint === last && fruitless >= MOST_FRUITLESS) {
        await sleep(100);
        const job = await trainee.current(api);
        if (job === null || hasEnded(job)) break;
        checkpoint = await checkpointOf(api, trainee.agentId);
      }
      this.#seen.set(trainee.agentId, { checkpoint, fruitless: checkpoint === last ? fruitless + 1 : 0 });
    }
  }
}

/** By turns in threads and in processes. */
function argsOf(index: number): string[] {
  return [...ARGS, '--job-isolation', index % 2 === 0 ? 'thread' : 'process'];
}

async function assertGone(api: ApiClient, environments: readonly string[], evidence: Evidence): Promise<void> {
  for (const id of environments) {
    const { status } = await fetch(`${api.url}/v1/environments/${id}`);
    evidence.expect(status === 410, `environment ${id} of a killed server answers ${status} instead of 410`);
  }
}

/** Every agent has a job that has not ended; its events are read from the first on. */
async function nextJobs(api: ApiClient, trainees: readonly Trainee[], evidence: Evidence): Promise<void> {
  for (const trainee of trainees) {
    const job = await trainee.current(api);
    if (job !== null && hasEnded(job))
      evidence.expect(job.state === 'succeeded', `job ${job.id}: ${JSON.stringify(job.error)}`);
    if (job === null || hasEnded(job)) await trainee.launch(api);
    readEvents(api, trainee.jobs.at(-1) ?? '', evidence);
  }
}

export async function assertSucceeded(api: ApiClient, id: string, evidence: Evidence): Promise<void> {
  for (;;) {
    const job = await api.get<Job>(`/v1/jobs/${id}?wait=30`);
    if (!hasEnded(job)) continue;
    evidence.expect(job.state === 'succeeded', `job ${id} is ${job.state}: ${JSON.stringify(job.error)}`);
    return;
  }
}

/** What must hold of a data directory at any instant at which its server dies. */
export async function hold(dataDir: string, evidence: Evidence): Promise<void> {
  const { integrity, checkpoints, damaged, unnamed, events } = await inspect(dataDir);
  evidence.expect(integrity === 'ok', `PRAGMA integrity_check: ${integrity}`);
  evidence.expect(damaged.length === 0, `listed files are damaged: ${damaged.join(', ')}`);
  evidence.checkpointsHeld += checkpoints.length;
  evidence.leftovers += unnamed.length;
  for (const { jobId, ...event } of events) evidence.saw(jobId, event);
}

async function checkpointOf(api: ApiClient, agentId: string): Promise<string> {
  return (await api.get<{ checkpoint_id: string }>(`/v1/agents/${agentId}`)).checkpoint_id;
}

async function modelOf(api: ApiClient, agentId: string): Promise<string> {
  const id = await checkpointOf(api, agentId);
  return (await api.get<{ sha256: string }>(`/v1/checkpoints/${id}`)).sha256;
}

/** As many jobs one after the other, on a server that nobody kills; the digests of the models. */
async function undisturbed(dataDir: string, counts: readonly number[], evidence: Evidence): Promise<string[]> {
  const server = await startServer({ dataDir, args: argsOf(0) });
  const api = new ApiClient(server.url);
  try {
    return await Promise.all(
      AGENTS.map(async (agent, i) => {
        const trainee = await Trainee.create(api, agent);
        while (trainee.jobs.length < (counts[i] ?? 0)) {
          await trainee.launch(api);
          await assertSucceeded(api, trainee.jobs.at(-1) ?? '', evidence);
        }
        return await modelOf(api, trainee.agentId);
      }),
    );
  } finally {
    await server.stop();
  }
}
