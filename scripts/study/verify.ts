// Repeats the first part of a unit on this machine and holds it to what was recorded, byte for byte.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { startServer } from '../server-process.ts';
import { sha256 } from './canonical-json.ts';
import { type Evidence, findEvidence, readEvidence } from './evidence.ts';
import { joinParts, prefixTable } from './metric-table.ts';
import { thisMachine } from './provenance.ts';
import { type Agent, type Checkpoint, ended, type Job, type MetricSeries, type Server } from './resources.ts';
import { engineIdentity } from './run-unit.ts';

const EQUAL = 0;
const DIFFERENT = 1;
const CANNOT = 2;

/** Returns the exit code: 0 equal, 1 different, 2 where this machine computes otherwise or not at all. */
export async function verify({
  subject,
  out,
}: {
  readonly subject: string | null;
  readonly out: string;
}): Promise<number> {
  const path = subject ?? soonest(out);
  const recorded = readEvidence(path);
  say(`${recorded.name}: repeating ${recorded.prefix.timesteps} of ${recorded.config.steps} timesteps.`);
  if (process.version !== recorded.node) say(`Note: it ran on Node ${recorded.node}, this is ${process.version}.`);
  const server = await startServer({ args: ['--threads', String(recorded.engine.threads)] });
  try {
    return await compare(new ApiClient(server.url), recorded, path);
  } finally {
    await server.stop();
  }
}

async function compare(api: ApiClient, recorded: Evidence, path: string): Promise<number> {
  const { config, engine, prefix } = recorded;
  // Asked for before the engines are looked at: this waits until they have been tried.
  const agent = await api.post<Agent>('/v1/agents', {
    algorithm: config.algorithm,
    spec_id: config.spec_id,
    env_kwargs: config.env_kwargs,
    hyperparameters: config.hyperparameters,
    seed: config.seed,
  });
  const started = await api
    .post<Job>(`/v1/agents/${agent.id}/train`, {
      total_timesteps: prefix.timesteps,
      evaluation: config.evaluation,
      wrappers: config.wrappers ?? [],
      engine: engine.name,
      threads: engine.threads,
    })
    .catch(async (error: unknown) => {
      const { engines } = await api.get<Server>('/v1/server');
      if (engines.some(({ name, available }) => name === engine.name && available)) throw error;
      return error instanceof Error ? error.message : String(error);
    });
  if (typeof started === 'string') return cannot(`the engine ${engine.name} does not work here: ${started}`);
  const job = await ended(api, started.id, () => undefined);
  if (job.state !== 'succeeded')
    throw new Error(`Job ${job.id} ${job.state}: ${job.error?.message ?? 'no reason given'}`);
  const { checkpoint_id: checkpointId } = await api.get<Agent>(`/v1/agents/${agent.id}`);
  const identity = await engineIdentity(api, checkpointId);
  const isOtherEngine = identity !== engine.identity;
  const checkpoint = await api.get<Checkpoint>(`/v1/checkpoints/${checkpointId}`);
  const { data } = await api.get<{ data: MetricSeries[] }>(`/v1/jobs/${job.id}/metrics?max_points=10000`);
  const rows = prefixTable(joinParts([{ from: 0, series: data }]), prefix.timesteps);
  if (isOtherEngine) say('model: not compared, since it names the engine, which is another build here');
  const sameModel = isOtherEngine || held('model', checkpoint.sha256, prefix.model_sha256);
  const sameRows = held('metrics', sha256(rows), prefix.metrics_sha256);
  if (!sameRows) showDifference(rows, join(dirname(path), `${basename(path, '.json')}.prefix.csv`));
  if (sameModel && sameRows) return EQUAL;
  // Equal numbers are equal wherever they come from; others may be due to what computes.
  const { cpu } = thisMachine();
  if (cpu !== recorded.machine.cpu) return cannot(`it ran on "${recorded.machine.cpu}", and this is "${cpu}"`);
  return isOtherEngine ? cannot(`it ran on "${engine.identity}", and this is "${identity}"`) : DIFFERENT;
}

function held(what: string, found: string, expected: string): boolean {
  say(
    found === expected ? `${what}: equal, sha256 ${found}` : `${what}: DIFFERENT, sha256 ${found} and not ${expected}`,
  );
  return found === expected;
}

function showDifference(rows: string, recordedFile: string): void {
  const before = readFileSync(recordedFile, 'utf8').split('\n');
  const now = rows.split('\n');
  const at = now.findIndex((line, index) => line !== before[index]);
  if (at >= 0) say(`first in line ${at + 1}: "${now[at]}" and not "${before[at] ?? ''}"`);
}

/** The unit whose prefix took the least time. */
function soonest(out: string): string {
  const [first] = findEvidence(out).sort((a, b) => a.evidence.prefix.wall_s - b.evidence.prefix.wall_s);
  if (first === undefined) throw new Error(`There is no unit below ${out}; run a study first.`);
  return first.file;
}

function cannot(reason: string): number {
  say(`This cannot be verified here: ${reason}.`);
  return CANNOT;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
