// Whatever clients ask for and whatever becomes of workers, servers and the disk, in whatever order: a job goes from state to state as
// the table allows, and stays where it ended; its events count up, and none is told twice. Workers are played by the test; journal,
// scheduler and database are the real ones.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../../src/errors.ts';
import { Checkpoints } from '../../src/services/checkpoints.ts';
import { newId } from '../../src/services/ids.ts';
import { JobJournal } from '../../src/services/job-journal.ts';
import { isAtWork, isTerminal } from '../../src/services/job-states.ts';
import { JobWatchdog } from '../../src/services/job-watchdog.ts';
import { Policies } from '../../src/services/policies.ts';
import { Scheduler } from '../../src/services/scheduler.ts';
import { AgentStore } from '../../src/storage/agents.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { type JobEvent, type JobState, JobStore } from '../../src/storage/jobs.ts';
import { TransitionStore } from '../../src/storage/transitions.ts';
import type { JobHostHandlers } from '../../src/workers/job-host.ts';
import type { JobMessage } from '../../src/workers/protocol.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { agentRow, jobRow } from '../support/rows.ts';
import { freshSeed } from '../support/seed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RUNS = Number(process.env['RUNS'] ?? 100);
const SLOTS = 2;
const JOBS = 4;
const CONFIG = {
  total_timesteps: 10,
  evaluation: null,
  checkpoint: { keep_last: 1, keep_best: false },
  engine: 'native',
};
const BLOB = { sha256: '0'.repeat(64), bytes: 1 };

/** As the design has it, written down once more: what the table in the source is held to. */
const FOLLOWS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['running', 'paused', 'cancelled', 'failed'],
  running: ['succeeded', 'failed', 'pausing', 'cancelling', 'queued'],
  pausing: ['paused', 'succeeded', 'failed', 'cancelling', 'cancelled'],
  paused: ['queued', 'cancelled'],
  cancelling: ['cancelled', 'succeeded', 'failed'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

interface FakeWorker extends JobHostHandlers {
  readonly jobId: string;
  isOver: boolean;
  hasLastWord: boolean;
  told: string[];
  timesteps: number;
}

type Action =
  | {
      readonly does: 'queue' | 'pause' | 'resume' | 'cancel' | 'delete';
      readonly job: number;
      readonly priority: number;
    }
  | { readonly does: 'obey' | 'checkpoint' | 'finish' | 'fail' | 'lose' | 'exit'; readonly worker: number }
  | { readonly does: 'hold' | 'release' | 'fill' | 'free' | 'restart' | 'kill' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constantFrom('queue', 'queue', 'pause', 'resume', 'cancel', 'delete' as const),
      job: fc.nat(JOBS - 1),
      priority: fc.integer({ min: -2, max: 2 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      does: fc.constantFrom('obey', 'checkpoint', 'finish', 'fail', 'lose', 'exit', 'exit' as const),
      worker: fc.nat(7),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom('hold', 'release', 'fill', 'free', 'free', 'restart', 'kill' as const),
    }),
  },
) as fc.Arbitrary<Action>;

/** A server's services over a database, and workers that do what the test says. */
class World {
  readonly #database: Database;
  readonly #store: JobStore;
  readonly #blobs: Blobs;
  readonly ids: string[] = [];
  /** Jobs that were deleted. */
  readonly deleted = new Set<string>();
  /** What listeners were told, by job. */
  readonly told = new Map<string, JobEvent[]>();
  readonly errors: unknown[] = [];
  isFull = false;
  /** What a full disk refused. */
  refusals = 0;
  workers: FakeWorker[] = [];
  journal: JobJournal;
  scheduler: Scheduler;

  constructor(database: Database, blobs: Blobs) {
    this.#database = database;
    this.#store = new JobStore(database);
    this.#blobs = blobs;
    [this.journal, this.scheduler] = this.#boot();
  }

  #boot(): [JobJournal, Scheduler] {
    const onError = (error: unknown) => {
      // What could not be stored is reported; the journal tries again.
      if (this.isFull && isFullDisk(error)) this.refusals++;
      else this.errors.push(error);
    };
    const journal = new JobJournal({ database: this.#database, store: this.#store, onError });
    const checkpoints = new Checkpoints({
      database: this.#database,
      store: new CheckpointStore(this.#database),
      blobs: this.#blobs,
    });
    const scheduler = new Scheduler({
      journal,
      agents: new AgentStore(this.#database),
      checkpoints,
      policies: new Policies(),
      transitions: new TransitionStore(this.#database),
      dataDir: '',
      engines: ENGINE_SETTINGS,
      slots: SLOTS,
      watchdog: new JobWatchdog(1e9),
      onError,
      startWorker: ({ task }, handlers) => {
        assert.ok(task.type === 'train');
        const jobId = this.ids[task.seed] ?? '';
        assert.ok(!this.workers.some((worker) => worker.jobId === jobId), 'a job has one worker at a time');
        const worker: FakeWorker = {
          ...handlers,
          jobId,
          isOver: false,
          hasLastWord: false,
          told: [],
          timesteps: task.timesteps,
        };
        this.workers.push(worker);
        return {
          tell: ({ type }) => void worker.told.push(type),
          beats: () => 0,
          terminate: (reason) =>
            this.#say(worker, { type: 'failed', error: { code: 'worker_lost', message: String(reason) } }),
        };
      },
    });
    return [journal, scheduler];
  }

  do(action: Action): void {
    if ('job' in action) this.#ask(action.does, action.job, action.priority);
    else if ('worker' in action) this.#work(action.does, action.worker);
    else if (action.does === 'hold') this.scheduler.hold('the disk is short; free space');
    else if (action.does === 'release') this.#answered(() => this.scheduler.release());
    else if (action.does === 'fill' || action.does === 'free') this.limitDisk(action.does === 'fill');
    else this.#reboot(action.does);
  }

  /** A disk that takes no write: to the services, a full one. */
  limitDisk(isFull: boolean): void {
    this.isFull = isFull;
    this.#database.exec(`PRAGMA query_only = ${isFull ? 'ON' : 'OFF'}`);
  }

  #reboot(how: 'restart' | 'kill'): void {
    if (how === 'restart') {
      // A server that stops tells its workers to end, and those that do are heard. It is not stopped before it could store that.
      this.limitDisk(false);
      void this.scheduler.stop();
      for (const worker of [...this.workers]) {
        this.#say(worker, { type: 'done', outcome: 'cancelled', evaluation: null });
        this.#end(worker);
      }
      this.journal.close();
    } else {
      // One that is killed takes them with it, and what it had not stored.
      this.#database.exec('PRAGMA query_only = ON');
      try {
        this.journal.close();
      } catch (error) {
        assert.match(String(error), /readonly/);
      }
      this.#database.exec('PRAGMA query_only = OFF');
      this.limitDisk(false);
    }
    this.workers = [];
    [this.journal, this.scheduler] = this.#boot();
    for (const id of this.ids) if (!this.deleted.has(id)) this.#listen(id);
    this.scheduler.recover(true);
  }

  /** As a reader that comes back and names the last event it saw. */
  #listen(id: string): void {
    const told = this.told.get(id) ?? [];
    this.told.set(id, told);
    this.journal.subscribe(id, told.at(-1)?.id ?? 0, (event) => void told.push(event));
  }

  close(): void {
    this.limitDisk(false);
    this.journal.close();
  }

  #ask(what: 'queue' | 'pause' | 'resume' | 'cancel' | 'delete', job: number, priority: number): void {
    const id = this.ids[job];
    if (what === 'queue' || id === undefined) {
      if (this.ids.length >= JOBS) return;
      const seed = this.ids.length;
      const newJob = { ...jobRow, id: newId('job'), seed, config: { ...CONFIG, priority } };
      if (!this.#answered(() => this.journal.add(newJob))) return;
      this.ids.push(newJob.id);
      this.#answered(() => this.#listen(newJob.id));
      this.#answered(() => this.scheduler.schedule());
      return;
    }
    if (this.deleted.has(id)) return;
    this.#answered(() => {
      if (what === 'pause') this.scheduler.pause(id);
      if (what === 'resume') this.scheduler.resume(id);
      if (what === 'cancel') this.scheduler.cancel(id);
      if (what !== 'delete' || !isTerminal(this.journal.get(id).state)) return;
      this.journal.flush();
      this.#store.delete(id);
      this.deleted.add(id);
    });
  }

  /** Refusals are answers, and a full disk is one to whoever asks while it is. */
  #answered(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (this.isFull && isFullDisk(error)) {
        this.refusals++;
        return false;
      }
      assert.ok(
        error instanceof DomainError && ['invalid_state_transition', 'disk_full'].includes(error.code),
        String(error),
      );
      return false;
    }
  }

  #work(what: 'obey' | 'checkpoint' | 'finish' | 'fail' | 'lose' | 'exit', index: number): void {
    const worker = this.workers[index % Math.max(1, this.workers.length)];
    if (worker === undefined) return;
    const { timesteps } = worker;
    switch (what) {
      case 'obey':
        if (worker.told.includes('cancel')) this.#say(worker, { type: 'done', outcome: 'cancelled', evaluation: null });
        return;
      case 'checkpoint':
        worker.timesteps++;
        this.#say(worker, {
          type: 'checkpoint',
          timesteps,
          step: timesteps,
          model: BLOB,
          experience: { file: BLOB, segments: [] },
          isBest: false,
        });
        return;
      case 'finish':
        this.#say(worker, { type: 'done', outcome: 'finished', evaluation: null });
        return;
      case 'fail':
        this.#say(worker, {
          type: 'failed',
          error: { code: timesteps % 2 === 0 ? 'non_finite' : 'disk_full', message: 'so it goes' },
        });
        return;
      case 'lose':
        this.#say(worker, { type: 'failed', error: { code: 'worker_lost', message: 'it died' } });
        return;
      case 'exit':
        if (!worker.hasLastWord)
          this.#say(worker, { type: 'failed', error: { code: 'worker_lost', message: 'it died' } });
        this.#end(worker);
        return;
      default:
        throw new TypeError(what satisfies never);
    }
  }

  #say(worker: FakeWorker, message: JobMessage): void {
    if (worker.hasLastWord) return;
    worker.hasLastWord = message.type === 'done' || message.type === 'failed';
    worker.onMessage(message);
  }

  #end(worker: FakeWorker): void {
    this.workers = this.workers.filter((other) => other !== worker);
    worker.onExit();
  }

  eventsOf(id: string): JobEvent[] {
    return this.#store.events(id, { after: 0, limit: 10_000 });
  }

  statesOf(id: string): JobState[] {
    return this.eventsOf(id).flatMap(({ type, data }) => (type === 'job.state' ? [data['state'] as JobState] : []));
  }
}

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_READONLY';
}

function openWorld(t: TestContext): () => World {
  const folder = temporaryFolder();
  const database = openDatabase(folder);
  // No power cut here.
  database.exec('PRAGMA synchronous = OFF');
  t.after(() => database.close());
  const blobs = new Blobs(folder);
  return () => {
    // What a run that failed left.
    database.exec('PRAGMA query_only = OFF');
    database.exec('DELETE FROM agents');
    new AgentStore(database).insert(agentRow);
    new CheckpointStore(database).insert(
      {
        id: 'ckpt_1',
        agentId: agentRow.id,
        identity: null,
        jobId: null,
        timesteps: 0,
        step: 0,
        model: BLOB,
        experience: null,
        labels: {},
        createdAt: new Date(0),
      },
      [],
    );
    return new World(database, blobs);
  };
}

test('no order of calls and of ends of workers brings a job into a state that may not follow', (t) => {
  const newWorld = openWorld(t);
  const seed = freshSeed(t);
  let refusals = 0;
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
      const world = newWorld();
      const ended = new Map<string, string>();
      for (const step of actions) {
        // A job that ended while nothing could be stored runs again after a kill.
        if (step.does === 'kill' && world.isFull) ended.clear();
        world.do(step);
        assert.deepEqual(world.errors, []);
        assert.ok(world.workers.length <= SLOTS, 'there are no more workers than slots');
        for (const id of world.ids) {
          if (world.deleted.has(id)) continue;
          const row = world.journal.get(id);
          const worker = world.workers.find(({ jobId }) => jobId === id);
          if (isAtWork(row.state)) assert.ok(worker && !worker.hasLastWord, `${row.state} without a worker`);
          else if (!world.isFull) assert.ok(worker?.hasLastWord ?? true, `${row.state} with a worker`);
          if (!isTerminal(row.state)) continue;
          const last = JSON.stringify([row.state, row.error, row.result, row.endedAt]);
          assert.equal(ended.get(id) ?? last, last, 'what has ended stays as it is');
          ended.set(id, last);
        }
      }
      world.limitDisk(false);
      for (const id of world.ids) {
        if (world.deleted.has(id)) continue;
        world.journal.flushForReading();
        const states = world.statesOf(id);
        assert.equal(states[0], 'queued');
        for (const [i, state] of states.slice(1).entries())
          assert.ok(FOLLOWS[states[i] as JobState].includes(state), `${states.join(' → ')}`);
      }
      // Left alone, with what is paused resumed, all of them end.
      world.scheduler.release();
      // What could not start for want of room is tried again after a while.
      world.scheduler.schedule();
      const left = () => world.ids.filter((id) => !world.deleted.has(id));
      const areOver = () => left().every((id) => isTerminal(world.journal.get(id).state));
      for (let round = 0; round < 100 && !areOver(); round++) {
        for (const id of left())
          if (world.journal.get(id).state === 'paused')
            world.do({ does: 'resume', job: world.ids.indexOf(id), priority: 0 });
        for (const does of ['obey', 'finish', 'exit'] as const) world.do({ does, worker: 0 });
      }
      for (const id of left()) assert.ok(isTerminal(world.journal.get(id).state), world.journal.get(id).state);
      world.journal.flush();
      for (const id of left()) {
        const stored = world.eventsOf(id);
        const ids = stored.map((event) => event.id ?? 0);
        assert.deepEqual(
          ids,
          [...new Set(ids)].sort((a, b) => a - b),
          'ids count up',
        );
        assert.equal(stored.filter(({ type }) => type === 'job.done').length, 1);
        assert.equal(stored.at(-1)?.type, 'job.done', 'nothing follows the end');
        assert.equal(world.journal.get(id).lastEventId, ids.at(-1));
        // What an interrupted attempt did beyond its checkpoint was told and is taken back; all else is told once, as it is stored.
        const told = (world.told.get(id) ?? []).filter((event) => event.id !== null);
        const toldIds = told.map((event) => event.id ?? 0);
        assert.deepEqual(
          toldIds,
          [...new Set(toldIds)].sort((a, b) => a - b),
          'no event is told twice, or late',
        );
        const known = new Map(told.map((event) => [event.id, event]));
        for (const event of stored) assert.deepEqual(known.get(event.id), event);
      }
      world.close();
      refusals += world.refusals;
    }),
    { numRuns: RUNS, seed, includeErrorInReport: true },
  );
  t.diagnostic(`a full disk refused ${refusals} writes`);
});

test('the highest priority starts first, the oldest among equals, and a job that was paused takes its old place', (t) => {
  const world = openWorld(t)();
  for (const priority of [0, 0, 1, 0]) world.do({ does: 'queue', job: JOBS, priority });
  const running = () => world.workers.map(({ jobId }) => world.ids.indexOf(jobId));
  const finish = () => {
    world.do({ does: 'finish', worker: 0 });
    world.do({ does: 'exit', worker: 0 });
  };
  // The first two found free slots; then the third, by priority.
  assert.deepEqual(running(), [0, 1]);
  world.do({ does: 'pause', job: 0, priority: 0 });
  world.do({ does: 'obey', worker: 0 });
  world.do({ does: 'exit', worker: 0 });
  assert.deepEqual(running(), [1, 2]);
  world.do({ does: 'resume', job: 0, priority: 0 });
  finish();
  assert.deepEqual(running(), [2, 0], 'older than the fourth');
  finish();
  assert.deepEqual(running(), [0, 3]);
  world.close();
});
