import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RealContext, SPEC } from '../../support/real-servers.ts';
import { crash, silence, startedThreads } from '../../support/threads.ts';

/** What a client meets when one of the threads that host environments ends, or answers no more. */
export function lostWorkerCases({ start }: RealContext): void {
  test('the environments of a lost worker answer 410, all others go on, and a new worker takes new ones', async (t) => {
    const threads = startedThreads(t);
    const { http, close } = await start({ envWorkers: 2 });
    t.after(close);
    const create = async (more: object = {}) => {
      const { body } = await http
        .post('/v1/environments')
        .send({ spec_id: SPEC, ...more })
        .expect(201);
      await http.post(`/v1/environments/${body.id}/reset`).expect(200);
      return `/v1/environments/${body.id}`;
    };
    const [kept, lost, vector] = [await create(), await create(), await create({ num_envs: 2 })];
    const calls = (path: string) => [
      http.get(path),
      http.post(`${path}/reset`),
      http.post(`${path}/step`).send(path === vector ? { actions: [[0.5], [0.5]] } : { action: [0.5] }),
      http.post(`${path}/action-space/sample`),
      http.get(`${path}/render?width=16&height=16`),
      http.delete(path),
    ];
    const step = () => http.post(`${kept}/step`).send({ action: [0.5] });

    // Those under way when the thread ends are answered: done before, or lost with it.
    const underWay = [lost, vector].flatMap((path) => calls(path).slice(1, 4));
    const beside = step();
    crash([...threads][1]);
    for (const { status, body } of await Promise.all(underWay)) {
      assert.ok(status === 200 || (status === 410 && body.code === 'worker_lost'), `${status} ${body.code}`);
    }
    await beside.expect(200);
    for (const path of [lost, vector]) {
      for (const call of calls(path)) {
        const { body } = await call.expect(410);
        assert.equal(body.code, 'worker_lost');
        assert.match(body.detail, /was lost with its worker thread.*POST \/v1\/environments/);
      }
    }
    await step().expect(200);
    assert.equal((await http.get('/v1/server').expect(200)).body.use.environments, 1);
    for (const path of [await create(), await create(), await create({ num_envs: 2 })]) {
      await http.post(`${path}/action-space/sample`).expect(200);
    }
  });

  test('a call that is never answered is 504 once its time is up, and its environment is gone', async (t) => {
    const { http, close } = await start({ stepTimeoutMs: 5000 });
    t.after(close);
    const create = async () => (await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body.id;
    const path = `/v1/environments/${await create()}`;
    const speak = silence(t);
    const [reset, step] = await Promise.all([
      http.post(`${path}/reset`),
      http.post(`${path}/step`).send({ action: [1] }),
    ]);
    speak();
    assert.deepEqual([reset.status, reset.body.code], [504, 'step_timeout']);
    assert.match(reset.body.detail, /longer than 5 s, .*--step-timeout/);
    assert.deepEqual([step.status, step.body.code], [410, 'worker_lost']);
    assert.match((await http.get(path).expect(410)).body.detail, /a call took longer than 5 s/);
    await http.post(`/v1/environments/${await create()}/reset`).expect(200);
  });
}
