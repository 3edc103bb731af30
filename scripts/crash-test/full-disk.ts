// A disk that runs full under two trainings, with a reserve and without: what is said, what is kept, and that all goes on once there
// is room. Needs root, since it mounts a small disk.
import { setTimeout as sleep } from 'node:timers/promises';
import { mountSmallDisk } from '../../test/support/full-disk.ts';
import { ApiClient } from '../api-client.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { assertSucceeded, hold, kill } from './crashes.ts';
import type { Evidence } from './evidence.ts';
import { AGENTS, hasEnded, type Job, Trainee } from './load.ts';

const MIB = 2 ** 20;
const DISK_BYTES = 128 * MIB;
const RESERVE_BYTES = 64 * MIB;
/** What is left of the reserve is more than two small jobs write between two looks of the server, two seconds, on any machine. */
const LEFT_BYTES = 48 * MIB;
const PATIENCE_MS = 120_000;
/** No machine ends it before the disk is full, or fills the disk between two looks of the server. */
const ENDLESS = { total_timesteps: 10_000_000, checkpoint: { every_timesteps: 2000, keep_last: 2 } };

/** Returns whether it could be done here. */
export async function fullDisk(evidence: Evidence, cacheDir: string, log: (line: string) => void): Promise<boolean> {
  const disk = mountSmallDisk(DISK_BYTES);
  if (disk === null) return false;
  const args = (reserve: number) => [
    '--max-running-jobs',
    '2',
    '--cache-dir',
    cacheDir,
    '--disk-reserve',
    `${reserve}`,
  ];
  const servers: ServerProcess[] = [];
  const begin = async (reserve: number) => {
    const server = await startServer({ dataDir: disk.folder, args: args(reserve) });
    servers.push(server);
    return { server, api: new ApiClient(server.url) };
  };
  try {
    let { server, api } = await begin(RESERVE_BYTES);
    const trainees = await Promise.all(AGENTS.map((agent) => Trainee.create(api, agent)));
    const launch = async () => {
      for (const trainee of trainees) await trainee.launch(api, ENDLESS);
      return trainees.map(({ jobs }) => jobs.at(-1) ?? '');
    };
    const reach = async (ids: readonly string[], holds: (job: Job) => boolean, what: string) => {
      for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(50)) {
        const jobs = await Promise.all(ids.map((id) => api.get<Job>(`/v1/jobs/${id}`)));
        if (jobs.every(holds)) return;
      }
      evidence.violation(`jobs are not ${what}`);
    };
    /** What was stopped goes on, by a checkpoint at least; then it is ended. */
    const goesOn = async (id: string) => {
      const { progress } = await api.get<Job>(`/v1/jobs/${id}`);
      const further = progress.timesteps + ENDLESS.checkpoint.every_timesteps;
      await reach([id], (job) => job.progress.timesteps >= further, `going on (${id})`);
      await api.post(`/v1/jobs/${id}/cancel`);
      await reach([id], hasEnded, `cancelled (${id})`);
    };

    const first = await launch();
    await reach(first, ({ state }) => state === 'running', 'running');
    disk.fill(LEFT_BYTES);
    await reach(first, ({ state }) => state === 'paused', 'paused on a short disk');
    for (const id of first) {
      const { data } = await api.get<{ data: { message: string }[] }>(`/v1/jobs/${id}/logs`);
      const said = data.find(({ message }) => message.startsWith('Paused: the disk'))?.message;
      evidence.expect(said !== undefined, `job ${id} does not say why it paused`);
      if (said !== undefined && id === first[0]) log(said);
    }
    await api.post(`/v1/jobs/${first[0]}/resume`).then(
      () => evidence.violation('a job was resumed on a short disk'),
      (error: Error) => evidence.expect(/free space/.test(error.message), error.message),
    );
    await kill(server);
    await hold(disk.folder, evidence);
    disk.clear();
    ({ server, api } = await begin(RESERVE_BYTES));
    for (const id of first) {
      await api.post(`/v1/jobs/${id}/resume`);
      await goesOn(id);
    }
    await server.stop();

    log('without a reserve, until nothing can be written');
    ({ server, api } = await begin(0));
    const second = await launch();
    await reach(second, ({ state }) => state === 'running', 'running');
    disk.fill(0);
    // Until a checkpoint or an event has found no room. Where all that is written fits into what is left of a page, none does.
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(50)) {
      const jobs = await Promise.all(second.map((id) => api.get<Job>(`/v1/jobs/${id}`)));
      if (jobs.some(({ state }) => state !== 'running')) break;
    }
    const states = await Promise.all(second.map(async (id) => await api.get<Job>(`/v1/jobs/${id}`)));
    for (const { state, error } of states) {
      log(`${state}${error === null ? '' : ` with ${error.code}: ${error.message}`}`);
      evidence.expect(state !== 'failed' || error?.code === 'disk_full', `a job failed with ${error?.code}`);
    }
    await kill(server);
    disk.clear();
    await hold(disk.folder, evidence);
    ({ server, api } = await begin(0));
    // Those whose failure could not be stored go on as after any kill.
    for (const trainee of trainees) {
      const id = trainee.jobs.at(-1) ?? '';
      const { state, error } = await api.get<Job>(`/v1/jobs/${id}`);
      if (error === null) await goesOn(id);
      else evidence.expect(error.code === 'disk_full', `job ${id} is ${state}: ${JSON.stringify(error)}`);
      await trainee.launch(api);
      await assertSucceeded(api, trainee.jobs.at(-1) ?? '', evidence);
    }
    await server.stop();
    await hold(disk.folder, evidence);
    return true;
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    disk.unmount();
  }
}
