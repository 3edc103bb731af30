// Worker threads that end in the midst of their work: what goes with them, what stays, and that every call is answered.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import type { NewEnvironment, StepRequest } from '../../src/services/environment-record.ts';
import { Environments } from '../../src/services/environments.ts';
import { ENGINE_SETTINGS } from '../support/engine-settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { crash, startedThreads } from '../support/threads.ts';

const ALL = { seed: null, options: {}, resetMask: null };
const SINGLE: NewEnvironment = {
  specId: 'CartPole-v1',
  vector: null,
  seed: 3,
  kwargs: {},
  wrappers: [],
  maxEpisodeSteps: null,
  labels: {},
  idleTtlS: 60,
};

function open(t: TestContext, workers: number, callLimitMs = 0): Environments {
  const workerData = { dataDir: temporaryFolder(), engines: ENGINE_SETTINGS };
  const environments = new Environments({ workers, workerData, callLimitMs });
  t.after(() => environments.close());
  return environments;
}

async function make(environments: Environments, more: Partial<NewEnvironment> = {}): Promise<string> {
  const { id } = await environments.create({ ...SINGLE, ...more });
  await environments.reset(id, ALL);
  return id;
}

const vectorOf = (numEnvs: number): Partial<NewEnvironment> => ({ vector: { numEnvs, autoresetMode: 'NextStep' } });

for (const [how, end] of [
  ['is terminated', (thread: Worker | undefined) => void thread?.terminate()],
  ['throws what nobody catches', crash],
] as const) {
  test(`a worker that ${how} takes its own environments and no others; all calls are answered`, async (t) => {
    const threads = startedThreads(t);
    const environments = open(t, 3);
    // One single environment in each worker, then vectors over workers 1 and 2, 3 and 1, and all.
    const [first, second, third] = [await make(environments), await make(environments), await make(environments)];
    const [onLost, elsewhere, onAll] = [
      await make(environments, vectorOf(2)),
      await make(environments, vectorOf(2)),
      await make(environments, vectorOf(6)),
    ];
    const lost = [second, onLost, onAll];
    const kept = [first, third, elsewhere];
    const actions = new Map<string, Omit<StepRequest, 'seq'>>([
      [onLost, { actions: [1, 1] }],
      [elsewhere, { actions: [1, 1] }],
      [onAll, { actions: [1, 1, 1, 1, 1, 1] }],
    ]);
    const step = (id: string) => environments.step(id, { seq: null, ...(actions.get(id) ?? { action: 1 }) });
    const calls = (ids: readonly string[]) =>
      ids.flatMap((id) => [...Array.from({ length: 5 }, () => step(id)), environments.sampleAction(id)]);

    const asked = Promise.allSettled(calls(lost));
    const others = calls(kept);
    end([...threads][1]);
    // Its turn is on the worker that is about to end: it is asked again, of the successor.
    const made = environments.create(SINGLE);
    // Those that were sent before the end may have been answered; behind the first loss nothing is.
    const answers = await asked;
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
    assert.ok(refused.length >= 3, `${refused.length} of ${answers.length} were refused`);
    assert.deepEqual(new Set(refused), new Set(['worker_lost']));
    await Promise.all(others);
    await environments.reset((await made).id, ALL);

    for (const id of lost) {
      for (const call of [() => environments.reset(id, ALL), async () => environments.get(id), () => step(id)]) {
        await assert.rejects(call, { code: 'worker_lost', message: /was lost with its worker thread \(.+\)/ });
      }
      await assert.rejects(environments.delete(id), { code: 'worker_lost' });
    }
    for (const id of kept) await step(id);
    // The three that live on, one of them a vector of two, and the one that was made meanwhile.
    assert.equal(environments.count, 5);
    const successors = await Promise.all(Array.from({ length: 3 }, () => make(environments)));
    for (const id of successors) await step(id);
    await make(environments, vectorOf(6));
    assert.equal(threads.size, 4);
  });
}

test('a worker that runs out of memory takes its own environments and no others', { timeout: 60_000 }, async (t) => {
  // Of threads that start from now on; this one has what it has.
  setFlagsFromString('--max-old-space-size=48');
  const environments = open(t, 2);
  const [kept, lost] = [await make(environments), await make(environments)];
  await make(environments);
  // Its table of transitions takes megabytes, and its turn is on the second worker.
  const lake = { ...SINGLE, specId: 'FrozenLake-v1', kwargs: { desc: { size: 64, seed: 1 } } };
  const greedy = Array.from({ length: 60 }, () => environments.create(lake));
  const settled = await Promise.allSettled([environments.step(kept, { action: 1, seq: null }), ...greedy]);
  assert.ok(settled.some((answer) => answer.status === 'rejected' && answer.reason.code === 'worker_lost'));
  await assert.rejects(environments.reset(lost, ALL), { code: 'worker_lost', message: /memory limit/ });
  const again = await make(environments);
  await environments.step(again, { action: 1, seq: null });
});

const LIMIT_MS = 3000;

test('a worker that is at a call for longer than the limit is ended and replaced, and no call waits for ever', async (t) => {
  const environments = open(t, 2, LIMIT_MS);
  const [stuck, kept, beside] = [await make(environments), await make(environments), await make(environments)];
  const vector = await make(environments, vectorOf(2));
  const step = (id: string) => environments.step(id, { action: 1, seq: null });
  const startedMs = performance.now();
  // Years of steps, in a thread that looks at nothing else.
  const endless = environments.check(stuck, { seed: 1, steps: 1e12 });
  const waiting = step(beside);
  await step(kept);
  // The second one has its turn on the worker that is stuck by now.
  const made = [environments.create(SINGLE), environments.create(SINGLE)];

  const refused = assert.rejects(waiting, { code: 'worker_lost' });
  await assert.rejects(endless, {
    code: 'step_timeout',
    message: /longer than 3 s, .*--step-timeout.*Create them again/,
  });
  const took = performance.now() - startedMs;
  assert.ok(took >= LIMIT_MS, `${took} ms`);
  await refused;
  for (const id of [stuck, beside, vector])
    await assert.rejects(step(id), { code: 'worker_lost', message: /\(a call took longer than 3 s\)/ });
  for (const id of [kept, ...(await Promise.all(made)).map((record) => record.id)]) {
    await environments.reset(id, ALL);
    await step(id);
  }
  assert.equal(environments.count, 3);
});

test('calls that wait for one another have the limit each, not all together', async (t) => {
  const environments = open(t, 1, LIMIT_MS);
  const ids: string[] = [];
  // Each call is far below the limit; more and more of them, until the last one waited for longer.
  for (let waitedMs = 0; waitedMs <= 1.5 * LIMIT_MS; ) {
    ids.push(await make(environments), await make(environments));
    const startedMs = performance.now();
    // An environment takes no more than 32 at once.
    const calls = ids.flatMap((id) =>
      Array.from({ length: 30 }, () => environments.check(id, { seed: 1, steps: 1000 })),
    );
    await Promise.all(calls);
    waitedMs = performance.now() - startedMs;
  }
});
