import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

const EPISODE_STEPS = 3;

export function environmentCases({ http, url, recorded, start }: RealContext): void {
  let id = '';
  let path = '';
  beforeEach(async () => {
    const wanted = { spec_id: SPEC, seed: 7, max_episode_steps: EPISODE_STEPS, labels: { team: 'legs' } };
    ({ id } = (await http.post('/v1/environments').send(wanted).expect(201)).body);
    path = `/v1/environments/${id}`;
  });
  const step = (more: object = {}) => http.post(`${path}/step`).send({ action: [0.5], ...more });
  const record = (method: string, where: string, responses: Awaited<ReturnType<typeof pipeline>>) => {
    for (const response of responses) recorded.record(method, where, response);
  };

  test('creation says where the environment is and fills the defaults in', async () => {
    const { body, headers } = await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
    assert.equal(headers.location, `/v1/environments/${body.id}`);
    assert.equal(body.idle_ttl_s, 1800);
    assert.equal(body.max_episode_steps, 200);
    assert.equal(body.seed, null);
    assert.deepEqual(body.labels, {});
    assert.deepEqual((await http.get(String(headers.location)).expect(200)).body, body);
  });

  test('they are listed, the newest first, page by page', async () => {
    const first = (await http.get('/v1/environments?page_size=1').expect(200)).body;
    assert.equal(first.data[0].id, id);
    assert.equal(first.has_more, true);
    const second = (await http.get(`/v1/environments?page_token=${first.next_page_token}`).expect(200)).body;
    assert.ok(second.data.every((environment: { id: string }) => environment.id < id));
  });

  test('HEAD works where GET does', async () => {
    const { headers, text } = await http.call('HEAD', path).expect(200);
    assert.match(String(headers['content-type']), /json/);
    assert.equal(text, undefined);
  });

  test('an episode: reset, steps, the end, and reset again', async () => {
    assert.equal((await step().expect(409)).body.code, 'reset_required');
    await http.post(`${path}/reset`).send({ seed: 3 }).expect(200);
    for (const episodeStep of [1, 2, 3]) {
      const { body } = await step().expect(200);
      assert.equal(body.episode_step, episodeStep);
      assert.equal(body.truncated, episodeStep === EPISODE_STEPS);
    }
    const { body } = await step().expect(409);
    assert.equal(body.code, 'reset_required');
    assert.match(body.detail, /reset/);
    await http.post(`${path}/reset`).expect(200);
  });

  test('spaces of integers, action masks, and episodes without a limit', async () => {
    const open = async (wanted: object) => (await http.post('/v1/environments').send(wanted).expect(201)).body;
    const call = async (where: string, body: object) =>
      (await http.post(`/v1/environments/${where}`).send(body).expect(200)).body;

    const taxi = await open({ spec_id: 'Taxi-v4', seed: 42 });
    assert.deepEqual(taxi.observation_space, { type: 'Discrete', n: 500, start: 0 });
    // Gymnasium's: `make('Taxi-v4').reset(seed=42)`.
    const { observation, info } = await call(`${taxi.id}/reset`, {});
    assert.deepEqual([observation, info], [386, { prob: 1, action_mask: [1, 1, 0, 1, 0, 0] }]);
    assert.equal((await call(`${taxi.id}/step`, { action: 0 })).reward, -1);
    const wrong = await http.post(`/v1/environments/${taxi.id}/step`).send({ action: 6 }).expect(422);
    assert.match(wrong.body.detail, /one integer from 0 to 5/);

    const lake = await open({ spec_id: 'FrozenLake-v1', kwargs: { desc: { size: 5, seed: 1 }, is_slippery: false } });
    assert.equal(lake.observation_space.n, 25);
    assert.equal((await open({ spec_id: 'CliffWalking-v1' })).max_episode_steps, null);
  });

  test('one seed gives one episode, and without one the random numbers go on', async () => {
    const observe = async (body: object) => (await http.post(`${path}/reset`).send(body).expect(200)).body.observation;
    const [first, second] = [await observe({}), await observe({})];
    assert.notDeepEqual(first, second);
    assert.deepEqual(await observe({ seed: 7 }), first);
  });

  test('numbers that JSON cannot write are strings', async () => {
    await http
      .post(`${path}/reset`)
      .send({ options: { x_init: 1e308 } })
      .expect(200);
    const { body } = await step().expect(200);
    assert.deepEqual(body.observation, ['NaN', 'NaN', 'NaN']);
    assert.equal(body.reward, 'NaN');
    assert.equal(body.episode_return, 'NaN');
  });

  test('a step with seq may be sent again, and no other', async () => {
    await http.post(`${path}/reset`).expect(200);
    assert.match((await step({ seq: 1 }).expect(409)).body.detail, /send 2 for the next step\./);
    const first = await step({ seq: 2 }).expect(200);
    const again = await step({ seq: 2 }).expect(200);
    assert.deepEqual(again.body, first.body);
    for (const seq of [1, 4, 9e15]) {
      const { body } = await step({ seq }).expect(409);
      assert.equal(body.code, 'sequence_mismatch');
      assert.match(body.detail, /send 3 for the next step, or 2 to get the last answer again/);
    }
  });

  test('a sampled action is one that step takes', async () => {
    const { action } = (await http.post(`${path}/action-space/sample`).expect(200)).body;
    await http.post(`${path}/reset`).expect(200);
    await step({ action }).expect(200);
  });

  test('what the environment does not take is refused by its name', async () => {
    const unknown = await http
      .post('/v1/environments')
      .send({ spec_id: SPEC, kwargs: { gravity: 1 } })
      .expect(422);
    assert.equal(unknown.body.code, 'invalid_kwargs');
    assert.match(unknown.body.detail, /"gravity" is not a keyword argument.*: g\./);
    const { body } = await http
      .post(`${path}/reset`)
      .send({ options: { x: 1 } })
      .expect(400);
    assert.match(body.detail, /"x".*x_init, y_init/);
    const misspelt = await http.post('/v1/environments').send({ spec_id: 'Pendulum' }).expect(404);
    assert.match(misspelt.body.detail, /"Pendulum-v1"/);
  });

  test('a full server says so, also to those that ask at the same time', async () => {
    const small = await start({ limits: { environments: 2 } });
    const asked = Array.from({ length: 6 }, () => small.http.post('/v1/environments').send({ spec_id: SPEC }));
    const answers = await Promise.all(asked);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 503, 503, 503, 503]);
    const refused = answers.find(({ status }) => status === 503);
    assert.equal(refused?.body.code, 'capacity_reached');
    assert.match(refused?.body.detail, /at most 2 environments/);
    assert.equal(refused?.headers['retry-after'], '1');
    const made = answers.find(({ status }) => status === 201);
    await small.http.delete(`/v1/environments/${made?.body.id}`).expect(204);
    await small.http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
    await small.close();
  });

  test('steps that are sent at once run in order, and too many are refused', async () => {
    const { body } = await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
    const where = `/v1/environments/${body.id}`;
    await http.post(`${where}/reset`).expect(200);
    const one = rawRequest('POST', `${where}/step`, '{"action":[0.5]}');
    const steps = await pipeline(url, one.repeat(40), 40);
    record('POST', `${where}/step`, steps);
    assert.deepEqual(
      steps.map(({ status }) => status),
      [...Array(32).fill(200), ...Array(8).fill(429)],
    );
    assert.deepEqual(
      steps.slice(0, 32).map(({ text }) => JSON.parse(text).seq),
      Array.from({ length: 32 }, (_, i) => i + 2),
    );
    assert.equal(steps.at(-1)?.headers['retry-after'], '1');
    for (const call of ['reset', 'action-space/sample']) {
      const refused = (await pipeline(url, one.repeat(32) + rawRequest('POST', `${where}/${call}`), 33)).slice(-1);
      record('POST', `${where}/${call}`, refused);
      assert.equal(refused[0]?.status, 429);
    }
  });

  test('a deletion does not wait for the steps before it', async () => {
    await http.post(`${path}/reset`).expect(200);
    const one = rawRequest('POST', `${path}/step`, '{"action":[0.5]}');
    const responses = await pipeline(url, one.repeat(3) + rawRequest('DELETE', path) + one, 5);
    assert.deepEqual(
      responses.map(({ status }) => status),
      [200, 410, 410, 204, 410],
    );
    record('POST', `${path}/step`, [...responses.slice(0, 3), ...responses.slice(4)]);
  });

  test('one that was deleted is told from one that never was', async () => {
    await http.delete(path).expect(204);
    await assertGone(/was deleted/);
  });

  test('one that nobody called for its time to live is gone', { timeout: 20_000 }, async () => {
    const wanted = { spec_id: SPEC, idle_ttl_s: 1 };
    const { body } = await http.post('/v1/environments').send(wanted).expect(201);
    const there = async () =>
      (await http.get('/v1/environments').expect(200)).body.data.some(
        (environment: { id: string }) => environment.id === body.id,
      );
    while (await there()) await sleep(200);
    const gone = await http.get(`/v1/environments/${body.id}`).expect(410);
    assert.match(gone.body.detail, /expired after 1 idle seconds/);
  });

  test('one of a server before this one is gone', async () => {
    // Its id is older than the second server, which knows no more about it.
    const later = await start();
    for (const [method, call] of CALLS) {
      const { body } = await later.http
        .call(method, path + call)
        .send(call === '/step' ? { action: [0.5] } : {})
        .expect(410);
      assert.equal(body.code, 'environment_gone');
      assert.match(body.detail, /environments do not outlive the server.*POST \/v1\/environments/);
    }
    for (const never of ['env_1', `env_${'z'.repeat(26)}`, id.toUpperCase(), id.replace('env', 'agt')]) {
      await later.http.get(`/v1/environments/${never}`).expect(404);
    }
    await later.close();
  });

  const CALLS = [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/reset'],
    ['POST', '/step'],
    ['POST', '/action-space/sample'],
  ] as const;
  const assertGone = async (detail: RegExp) => {
    for (const [method, call] of CALLS) {
      const { body } = await http
        .call(method, path + call)
        .send(call === '/step' ? { action: [0.5] } : {})
        .expect(410);
      assert.equal(body.code, 'environment_gone');
      assert.match(body.detail, detail);
    }
  };
}
