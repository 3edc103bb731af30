import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { EventReader } from '../../support/event-reader.ts';
import { NEW_AGENT, type RealContext } from '../../support/real-servers.ts';

/** Two whole episodes of Pendulum, and an evaluation at its beginning, in its middle and at its end. */
const PLAN = {
  total_timesteps: 400,
  evaluation: { every_timesteps: 200, episodes: 1 },
  checkpoint: { every_timesteps: 200 },
};

export function jobCases({ http, url, recorded }: RealContext): void {
  let agentId = '';
  let id = '';
  let path = '';
  /** Opened as soon as the job was there. */
  let watched: EventReader;
  const watch = async (headers: Record<string, string> = {}, query = '') => {
    const response = await fetch(`${url}${path}/events${query}`, {
      headers: { accept: 'text/event-stream', ...headers },
    });
    recorded.record('GET', `${path}/events`, {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: undefined,
    });
    return new EventReader(response);
  };
  before(async () => {
    agentId = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id;
    id = (await http.post(`/v1/agents/${agentId}/train`).send(PLAN).expect(202)).body.id;
    path = `/v1/jobs/${id}`;
    watched = await watch();
  });

  test('a stream tells all of a job, from its first event to its last, once and in order', async () => {
    const events = await watched.toEnd();
    const ids = events.flatMap((event) => event.id ?? []);
    assert.deepEqual(
      ids,
      ids.map((_, i) => i + 1),
    );
    assert.deepEqual(events.at(0)?.data.data, { state: 'queued' });
    assert.equal(events.at(-1)?.event, 'job.done');
    assert.equal(events.at(-1)?.data.data.state, 'succeeded', JSON.stringify(events.at(-1)?.data));
    const types = new Set(events.map(({ event }) => event));
    for (const type of ['job.state', 'job.metrics', 'job.episode', 'job.checkpoint']) assert.ok(types.has(type), type);

    const again = await (await watch()).toEnd();
    assert.deepEqual(
      again,
      events.filter((event) => event.id !== null),
    );
    const middle = ids[Math.floor(ids.length / 2)];
    for (const [headers, query] of [
      [{ 'last-event-id': `${middle}` }, ''],
      [{}, `?after=${middle}`],
    ] as const) {
      const rest = await (await watch(headers, query)).toEnd();
      assert.deepEqual(
        rest,
        again.filter((event) => (event.id ?? 0) > Number(middle)),
      );
    }
    assert.equal((await watch({ 'last-event-id': `${ids.at(-1)}` })).response.status, 204);

    const pages: unknown[] = [];
    for (let query = 'page_size=7'; ; ) {
      const { body } = await http.get(`${path}/events?${query}`).expect(200);
      pages.push(...body.data);
      if (!body.has_more) break;
      query = `page_size=7&page_token=${body.next_page_token}`;
    }
    assert.deepEqual(
      pages,
      again.map(({ data }) => data),
    );
  });

  for (const query of [
    'page_token=garbage',
    'page_token=-1',
    'page_token=1.5',
    'page_token=1e99',
    'after=-1',
    'after=x',
  ]) {
    test(`events?${query} is refused`, async () => {
      await http.get(`${path}/events?${query}`).expect(400);
    });
  }

  test('a job shows what was asked for and how it went', async () => {
    const { body } = await http.get(`${path}?wait=60s`).expect(200);
    assert.equal(body.state, 'succeeded');
    assert.equal(body.error, null);
    assert.equal(body.config.total_timesteps, PLAN.total_timesteps);
    assert.equal(body.config.checkpoint.keep_last, 3);
    assert.equal(body.progress.timesteps, PLAN.total_timesteps);
    assert.equal(body.progress.fraction, 1);
    assert.ok(body.ended_at >= body.started_at);
    const agent = (await http.get(`/v1/agents/${agentId}`).expect(200)).body;
    assert.equal(agent.timesteps, PLAN.total_timesteps);
    assert.equal(agent.training_job_id, null);
  });

  test('metrics are series of points, thinned on request, the newest always there', async () => {
    const all = (await http.get(`${path}/metrics`).expect(200)).body.data as { key: string; points: number[][] }[];
    const long = all.toSorted((a, b) => b.points.length - a.points.length)[0] ?? assert.fail('no metrics');
    assert.ok(long.points.length > 2, `${long.key} has ${long.points.length} points`);
    const thin = (await http.get(`${path}/metrics?keys=${long.key},nothing&max_points=2`).expect(200)).body.data;
    assert.equal(thin.length, 1);
    assert.ok(thin[0].points.length <= 2);
    assert.deepEqual(thin[0].points.at(-1), long.points.at(-1));
    const evaluations = (await http.get(`${path}/metrics?keys=eval/return_mean&from_step=1`).expect(200)).body.data;
    assert.deepEqual(
      evaluations[0].points.map(([step]: [number]) => step),
      [200, 400],
    );
    for (const query of ['keys=', 'keys=,', 'keys=a,,b', 'max_points=1', 'max_points=10001', 'from_step=-1']) {
      await http.get(`${path}/metrics?${query}`).expect(400);
    }
  });

  test('jobs are listed by state, type and agent', async () => {
    const ids = async (query: string) =>
      (await http.get(`/v1/jobs?${query}`).expect(200)).body.data.map((job: { id: string }) => job.id);
    assert.deepEqual(await ids(`agent_id=${agentId}`), [id]);
    assert.deepEqual(await ids(`agent_id=${agentId}&type=evaluate`), []);
    assert.deepEqual(await ids(`agent_id=${agentId}&type=train&state=succeeded`), [id]);
    await http.get('/v1/jobs?state=sleeping').expect(400);
  });

  for (const wait of ['61', '-1', '1.5', '5m', 's', '', '0x1', '1e1', '%201']) {
    test(`wait=${wait} is refused`, async () => {
      const { body } = await http.get(`${path}?wait=${wait}`).expect(400);
      assert.match(body.detail, /whole seconds from 0 to 60/);
    });
  }

  test('a checkpoint of the middle can be evaluated, and is another than that of the end', async () => {
    const { data } = (await http.get(`/v1/agents/${agentId}/checkpoints`).expect(200)).body;
    const middle = data.find(({ timesteps }: { timesteps: number }) => timesteps === 200) ?? assert.fail('no middle');
    const wanted = { episodes: 2, seed: 5, checkpoint_id: middle.id };
    const play = async (request: object) => {
      const { body, headers } = await http.post(`/v1/agents/${agentId}/evaluate`).send(request).expect(202);
      assert.equal(headers.location, `/v1/jobs/${body.id}`);
      const ended = (await http.get(`/v1/jobs/${body.id}?wait=30s`).expect(200)).body;
      assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error));
      return ended;
    };
    const first = await play(wanted);
    assert.equal(first.config.checkpoint_id, middle.id);
    assert.equal(first.result.returns.length, 2);
    assert.deepEqual((await play(wanted)).result, first.result);
    const { checkpoint_id: _, ...ofTheEnd } = wanted;
    assert.notDeepEqual((await play(ofTheEnd)).result, first.result);
    const unknown = await http
      .post(`/v1/agents/${agentId}/evaluate`)
      .send({ episodes: 1, checkpoint_id: 'ckpt_none' })
      .expect(404);
    assert.equal(unknown.body.code, 'checkpoint_not_found');
  });

  test('a running job: wait returns when the time is up, it is not deleted, and cancelling ends it once', async () => {
    const long = (await http.post(`/v1/agents/${agentId}/train`).send({ total_timesteps: 1e6 }).expect(202)).body;
    const where = `/v1/jobs/${long.id}`;
    const begun = Date.now();
    assert.equal((await http.get(`${where}?wait=1`).expect(200)).body.state, 'running');
    assert.ok(Date.now() - begun >= 900);
    assert.match((await http.delete(where).expect(409)).body.detail, /cancel it/);
    await http.call('HEAD', `${where}/events`).set('accept', 'text/event-stream').expect(200);
    const waiting = http.get(`${where}?wait=30s`).expect(200).then();
    assert.equal((await http.post(`${where}/cancel`).expect(200)).body.state, 'cancelling');
    assert.equal((await waiting).body.state, 'cancelled');
    const { body } = await http.post(`${where}/cancel`).expect(409);
    assert.equal(body.code, 'invalid_state_transition');
    assert.match(body.detail, /is cancelled/);
    await http.delete(where).expect(204);
    await http.get(where).expect(404);
    // What it learnt stays.
    assert.ok((await http.get(`/v1/agents/${agentId}`).expect(200)).body.timesteps >= PLAN.total_timesteps);
  });

  test('a checkpoint that is asked for while a job ends is written by the job, or is what the job left', async () => {
    const agent = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    const job = (await http.post(`${agent}/train`).send({ total_timesteps: 300 }).expect(202)).body;
    let ended = false;
    const waiting = http.get(`/v1/jobs/${job.id}?wait=30s`).then(() => {
      ended = true;
    });
    while (!ended) {
      await Promise.all(Array.from({ length: 4 }, () => http.post(`${agent}/checkpoints`).expect(201)));
    }
    await waiting;
    const { body } = await http.post(`${agent}/checkpoints`).expect(201);
    assert.equal(body.timesteps, 300);
  });
}
