import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { NEW_AGENT, type RealContext, SPEC } from '../../support/real-servers.ts';

const LONG = { total_timesteps: 1_000_000 };

/** Pausing and resuming, the order of the queue, and what is told of a job beside its events. */
export function jobControlCases({ http, start }: RealContext): void {
  let agent = '';
  before(async () => {
    agent = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
  });
  const inState = async (client: typeof http, path: string, wanted: string) => {
    for (;;) {
      const { body } = await client.get(path).expect(200);
      if (body.state === wanted) return body;
      assert.ok(!['succeeded', 'failed', 'cancelled'].includes(body.state), JSON.stringify(body));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test('a running job is paused and resumed, and each of the two is refused where it makes no sense', async () => {
    const job = (
      await http
        .post(`${agent}/train`)
        .send({ ...LONG, labels: { run: 'first', team: 'legs' } })
        .expect(202)
    ).body;
    const path = `/v1/jobs/${job.id}`;
    assert.match((await http.post(`${path}/resume`).expect(409)).body.detail, /only a paused job can be resumed/);
    assert.match((await http.post(`${path}/pause`).expect(200)).body.state, /^(?:pausing|paused)$/);
    await inState(http, path, 'paused');
    assert.equal((await http.post(`${path}/pause`).expect(200)).body.state, 'paused');
    assert.deepEqual(
      (await http.get('/v1/jobs?state=paused').expect(200)).body.data.map(({ id }: { id: string }) => id),
      [job.id],
    );
    // Its agent is still in use.
    assert.equal((await http.post(`${agent}/train`).send(LONG).expect(409)).body.code, 'agent_training');
    await http.delete(path).expect(409);
    assert.match((await http.post(`${path}/resume`).expect(200)).body.state, /^(?:queued|running)$/);
    await inState(http, path, 'running');
    await http.post(`${path}/cancel`).expect(200);
    await inState(http, path, 'cancelled').catch(() => undefined);
    await http.get(`${path}?wait=60s`).expect(200);
    for (const call of ['pause', 'resume']) {
      const { body } = await http.post(`${path}/${call}`).expect(409);
      assert.equal(body.code, 'invalid_state_transition');
    }

    const log = (await http.get(`${path}/logs`).expect(200)).body;
    assert.ok(log.data.length >= 2, 'it was started twice');
    const [line] = log.data;
    assert.match(line.message, /^Compiling the update/);
    const text = await http
      .get(`${path}/logs`)
      .set('accept', 'text/plain')
      .expect(200)
      .expect('content-type', /^text\/plain/);
    assert.equal(text.text.split('\n')[0], `${line.time} ${line.message}`);
    const first = (await http.get(`${path}/logs?page_size=1`).expect(200)).body;
    assert.deepEqual(first.data, [line]);
    const second = (await http.get(`${path}/logs?page_size=1&page_token=${first.next_page_token}`).expect(200)).body;
    assert.deepEqual(second.data, [log.data[1]]);
    await http.get(`${path}/logs?page_token=x`).expect(400);

    const listed = async (query: string) =>
      (await http.get(`/v1/jobs?${query}`).expect(200)).body.data.map(({ id }: { id: string }) => id);
    assert.deepEqual(await listed('label=run:first'), [job.id]);
    assert.deepEqual(await listed('label=run:first&label=team:legs'), [job.id]);
    assert.deepEqual(await listed('label=run:first&label=team:arms'), []);
    assert.deepEqual(await listed('label=run:firs'), []);
    await http.get('/v1/jobs?label=run').expect(400);
  });

  test('agents, environments and checkpoints are found by their labels', async () => {
    const labels = { colour: 'green:ish' };
    const { id } = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, labels })
        .expect(201)
    ).body;
    const environment = (await http.post('/v1/environments').send({ spec_id: SPEC, labels }).expect(201)).body;
    const found = async (path: string, label: string) =>
      (await http.get(`${path}?label=${label}`).expect(200)).body.data.map((one: { id: string }) => one.id);
    assert.deepEqual(await found('/v1/agents', 'colour:green:ish'), [id]);
    assert.deepEqual(await found('/v1/agents', 'colour:green'), []);
    assert.deepEqual(await found('/v1/environments', 'colour:green:ish'), [environment.id]);
    assert.deepEqual(await found('/v1/environments', 'colour:'), []);
    assert.deepEqual(await found(`/v1/agents/${id}/checkpoints`, 'best:true'), []);
    await http.get('/v1/agents?label=').expect(400);
  });

  test('metrics come as CSV too', async () => {
    const job = (await http.post(`${agent}/evaluate`).send({ episodes: 1 }).expect(202)).body;
    await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200);
    const path = `/v1/jobs/${job.id}/metrics`;
    const { data } = (await http.get(path).expect(200)).body as { data: { key: string; points: number[][] }[] };
    const { text } = await http
      .get(path)
      .set('accept', 'text/csv')
      .expect(200)
      .expect('content-type', /^text\/csv/);
    const lines = data.flatMap(({ key, points }) => points.map(([step, value]) => `${key},${step},${value}`));
    assert.ok(lines.length >= 3);
    assert.equal(text, ['key,step,value', ...lines, ''].join('\r\n'));
  });

  test('of the jobs that wait, the one with the highest priority starts first, and a paused one does not wait', async (t) => {
    const { http: small, close } = await start({ maxRunningJobs: 1 });
    t.after(close);
    const where = `/v1/agents/${(await small.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    const running = (await small.post(`${where}/train`).send(LONG).expect(202)).body;
    const queue = async (priority: number) =>
      (await small.post(`${where}/evaluate`).send({ episodes: 1, priority }).expect(202)).body.id as string;
    const [low, middle, high] = [await queue(-1), await queue(0), await queue(5)];
    const paused = await queue(9);
    assert.equal((await small.post(`/v1/jobs/${paused}/pause`).expect(200)).body.state, 'paused');
    await small.post(`/v1/jobs/${running.id}/cancel`).expect(200);
    const started: string[] = [];
    for (const id of [low, middle, high]) {
      const { body } = await small.get(`/v1/jobs/${id}?wait=60s`).expect(200);
      assert.equal(body.state, 'succeeded');
      started.push(body.started_at);
    }
    assert.deepEqual(started, started.toSorted().reverse());
    assert.equal((await small.get(`/v1/jobs/${paused}`).expect(200)).body.state, 'paused');
    await small.post(`${where}/evaluate`).send({ episodes: 1, priority: 1001 }).expect(400);
  });
}
