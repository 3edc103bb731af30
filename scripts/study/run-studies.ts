// Runs studies: their units, so many at a time, in order; each that ends leaves its evidence and renews the report.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { watchBuild } from './build-watch.ts';
import { findEvidence, readEvidence, writeEvidence } from './evidence.ts';
import { type Options, UsageError } from './options.ts';
import { thisCommit, thisMachine } from './provenance.ts';
import type { Agent, Server } from './resources.ts';
import { collectUnit, knownAgents, type RunSettings, tidyUnit, trainUnit } from './run-unit.ts';
import { duration, progressLine, StatusBoard } from './status-board.ts';
import { startStudyServer } from './study-server.ts';
import { resolveStudy, type Unit } from './unit-config.ts';

const INTERRUPTED = 130;

/** Returns the exit code. */
export async function runStudies(
  options: Options,
  { command, report }: { readonly command: string; readonly report: () => Promise<unknown> },
): Promise<number> {
  const board = new StatusBoard();
  const commit = thisCommit();
  const assertSameBuild = watchBuild();
  const server = await startStudyServer(options, (line) => board.say(line));
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    board.say('Stopping: the jobs write a checkpoint; the same command goes on from there.');
    void server.stop();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const api = new ApiClient(server.url);
    const { version } = await api.get<Server>('/v1/server');
    const { engine, threads, jobs } = options;
    const settings = { engine, threads, jobs, command, version, commit, machine: thisMachine(), assertSameBuild };
    const units = await unitsToDo(api, options, (line) => board.say(line));
    const agents = await knownAgents(api);
    const failed: string[] = [];
    const queue = [...units];
    const renewReport = () => report().catch((error) => board.say(`The report failed: ${messageOf(error)}`));
    const worker = async () => {
      for (let unit = queue.shift(); unit !== undefined && !stopping; unit = queue.shift()) {
        try {
          await runUnit(api, unit, agents.get(unit.configHash), { settings, board, out: options.out });
          await renewReport();
        } catch (error) {
          if (stopping) return;
          failed.push(unit.name);
          board.say(`${unit.name} failed: ${messageOf(error)}`);
        } finally {
          board.remove(unit.name);
        }
      }
    };
    await Promise.all(Array.from({ length: jobs }, worker));
    if (stopping) return INTERRUPTED;
    // The report may be older than what it reports.
    if (units.length === 0) await renewReport();
    board.say(`Keep the evidence with:\n  git add ${options.out}`);
    if (failed.length > 0) board.say(`Failed: ${failed.join(', ')}. The same command tries them again.`);
    return failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (stopping) return INTERRUPTED;
    throw error;
  } finally {
    board.end();
    await server.stop();
  }
}

/** All units that have no evidence yet. Throws where there is evidence of something else under the same name. */
async function unitsToDo(api: ApiClient, options: Options, say: (line: string) => void): Promise<Unit[]> {
  const units: Unit[] = [];
  for (const study of options.studies) {
    const resolved = await resolveStudy(api, study).catch((error: unknown) => {
      throw new Error(`${study.spec}, ${study.algo}: ${messageOf(error)}`);
    });
    units.push(...resolved);
  }
  const twice = units.find(({ name }, index) => units.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new UsageError(`${twice.name} stands in the plan twice; give one of them a tag.`);
  const present = findEvidence(options.out);
  return units.filter((unit) => {
    const file = join(options.out, `${unit.name}.json`);
    const done = existsSync(file) && readEvidence(file).config_hash === unit.configHash;
    const other = present.find(
      ({ evidence }) => evidence.group === unit.group && evidence.study_hash !== unit.studyHash,
    );
    if (other !== undefined)
      throw new UsageError(
        `${other.file} is of other settings than ${unit.name}; give this study a --tag, or delete what is there.`,
      );
    if (done) say(`${unit.name} is done.`);
    return !done;
  });
}

async function runUnit(
  api: ApiClient,
  unit: Unit,
  known: Agent | undefined,
  { settings, board, out }: { readonly settings: RunSettings; readonly board: StatusBoard; readonly out: string },
): Promise<void> {
  const total = unit.config.steps;
  board.say(`${unit.name} ${known === undefined ? 'begins' : `goes on from ${known.timesteps}`} (${total} steps).`);
  const agent = await trainUnit(api, unit, known, settings, (progress) =>
    board.show(unit.name, progressLine({ ...progress, total })),
  );
  const files = await collectUnit(api, unit, agent, settings);
  writeEvidence(out, files);
  await tidyUnit(api, unit, agent);
  const { wall_s, steps_per_second } = files.evidence;
  const last = files.table.trimEnd().split('\n').at(-1)?.split(',') ?? [];
  board.say(
    `${unit.name} is done: return ${Number(last[1]).toFixed(1)} at ${last[0]} steps, ${duration(wall_s)}, ${steps_per_second} steps/s.`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
