import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ContractContext } from '../../support/contract-context.ts';

export function environmentCases({ http, services }: ContractContext): void {
  let id = '';
  let path = '';
  beforeEach(async () => {
    ({ id } = (
      await http
        .post('/v1/environments')
        .send({ spec_id: 'Alpha-v0', seed: 7, labels: { team: 'legs' } })
        .expect(201)
    ).body);
    path = `/v1/environments/${id}`;
  });

  test('creation says where the environment is and fills the defaults in', async () => {
    const { body, headers } = await http.post('/v1/environments').send({ spec_id: 'Alpha-v0' }).expect(201);
    assert.equal(headers.location, `/v1/environments/${body.id}`);
    assert.equal(body.idle_ttl_s, 1800);
    assert.equal(body.seed, null);
    assert.deepEqual(body.labels, {});
    assert.deepEqual((await http.get(String(headers.location)).expect(200)).body, body);
  });

  test('they are listed, the newest first', async () => {
    const { body } = await http.get('/v1/environments?page_size=1').expect(200);
    assert.equal(body.data[0].id, id);
    assert.equal(body.has_more, true);
  });

  test('HEAD works where GET does', async () => {
    const { headers, text } = await http.call('HEAD', path).expect(200);
    assert.match(String(headers['content-type']), /json/);
    assert.equal(text, undefined);
  });

  test('an episode: reset, steps, the end, and reset again', async () => {
    await http.post(`${path}/reset`).send({ seed: 3 }).expect(200);
    for (const episodeStep of [1, 2, 3]) {
      const { body } = await http
        .post(`${path}/step`)
        .send({ action: [0.5] })
        .expect(200);
      assert.equal(body.episode_step, episodeStep);
      assert.equal(body.truncated, episodeStep === 3);
    }
    const { body } = await http
      .post(`${path}/step`)
      .send({ action: [0.5] })
      .expect(409);
    assert.equal(body.code, 'reset_required');
    await http.post(`${path}/reset`).expect(200);
  });

  test('numbers that JSON cannot write are strings', async () => {
    await http.post(`${path}/reset`).expect(200);
    const { body } = await http
      .post(`${path}/step`)
      .send({ action: [0.5] })
      .expect(200);
    assert.deepEqual(body.observation, ['NaN', 0.5]);
    assert.equal(body.reward, '-Infinity');
    assert.deepEqual(body.info, { speed: 'NaN', legs: [1, 'Infinity'] });
  });

  test('a step with seq may be sent again, and no other', async () => {
    await http.post(`${path}/reset`).expect(200);
    const first = await http
      .post(`${path}/step`)
      .send({ action: [0.5], seq: 2 })
      .expect(200);
    const again = await http
      .post(`${path}/step`)
      .send({ action: [0.5], seq: 2 })
      .expect(200);
    assert.deepEqual(again.body, first.body);
    const { body } = await http
      .post(`${path}/step`)
      .send({ action: [0.5], seq: 4 })
      .expect(409);
    assert.equal(body.code, 'sequence_mismatch');
  });

  test('a sampled action', async () => {
    assert.deepEqual((await http.post(`${path}/action-space/sample`).expect(200)).body, { action: [0.5] });
  });

  test('what the environment does not take is 422', async () => {
    await http
      .post('/v1/environments')
      .send({ spec_id: 'Alpha-v0', kwargs: { nonsense: 1 } })
      .expect(422);
    await http
      .post(`${path}/reset`)
      .send({ options: { nonsense: 1 } })
      .expect(422);
  });

  test('a full server says so', async (t) => {
    const { maxEnvironments } = services;
    t.after(() => {
      services.maxEnvironments = maxEnvironments;
    });
    services.maxEnvironments = 1;
    const { body, headers } = await http.post('/v1/environments').send({ spec_id: 'Alpha-v0' }).expect(503);
    assert.equal(body.code, 'capacity_reached');
    assert.equal(headers['retry-after'], '1');
  });

  test('a busy environment asks for patience', async (t) => {
    services.busyEnvironments.add(id);
    t.after(() => services.busyEnvironments.delete(id));
    for (const call of ['reset', 'step', 'action-space/sample']) {
      const { headers } = await http
        .post(`${path}/${call}`)
        .send(call === 'step' ? { action: [0] } : {})
        .expect(429);
      assert.equal(headers['retry-after'], '1');
    }
  });

  test('one that is gone is told from one that never was', async () => {
    services.forgetEnvironment(id);
    assert.equal((await http.get(path).expect(410)).body.code, 'environment_gone');
    await http.post(`${path}/reset`).expect(410);
    await http
      .post(`${path}/step`)
      .send({ action: [0] })
      .expect(410);
    await http.post(`${path}/action-space/sample`).expect(410);
  });

  test('deletion leaves nothing', async () => {
    await http.delete(path).expect(204);
    await http.delete(path).expect(404);
    await http.get(path).expect(404);
  });
}
