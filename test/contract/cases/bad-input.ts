import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { before, test } from 'node:test';
import type { ContractContext } from '../../support/contract-context.ts';

export function badInputCases({ http, url, locked }: ContractContext): void {
  let step = '';
  before(async () => {
    const { body } = await http.post('/v1/environments').send({ spec_id: 'Alpha-v0' }).expect(201);
    step = `/v1/environments/${body.id}/step`;
    await http.post(`/v1/environments/${body.id}/reset`).expect(200);
  });

  for (const [text, status] of [
    ['[null]', 400],
    ['["1"]', 400],
    ['[true]', 400],
    ['null', 400],
    ['true', 400],
    ['"one"', 400],
    ['{}', 400],
    ['{"0":1}', 400],
    ['[[0.5],"x"]', 400],
    ['[[[[[0.5]]]]]', 400],
    ['0.5', 422],
    ['[]', 422],
    ['[2]', 422],
    ['[[0.5]]', 422],
    ['["NaN"]', 422],
    ['"Infinity"', 422],
    ['1e999', 400],
  ] as const) {
    test(`${text} is no action`, async () => {
      const { body } = await http
        .post(step)
        .set('content-type', 'application/json')
        .send(`{"action":${text}}`)
        .expect(status);
      assert.equal(body.code, status === 400 ? 'invalid_request' : 'action_out_of_space');
    });
  }

  for (const text of [
    '{"action":[0.5],"__proto__":{"seq":1}}',
    '{"action":[0.5],"\\u005f_proto__":{"seq":1}}',
    '{"action":[0.5],"constructor":{"prototype":{"seq":1}}}',
    '{"action":[0.5],"constructor":1}',
    '{"action":{"__proto__":[0.5]}}',
  ]) {
    test(`${text} reaches no prototype`, async () => {
      const { body } = await http.post(step).set('content-type', 'application/json').send(text).expect(400);
      assert.match(body.detail, /__proto__|constructor/);
    });
  }

  for (const text of ['{"action":[0.5]', 'action=0.5', '{"action":[NaN]}', '{"action":[0.5],}', '\u0000']) {
    test(`${JSON.stringify(text)} is no JSON`, async () => {
      const { body } = await http.post(step).set('content-type', 'application/json').send(text).expect(400);
      assert.match(body.detail, /not valid JSON/);
    });
  }

  test('a body of brackets overflows no stack', async () => {
    const { body } = await http.post(step).set('content-type', 'application/json').send('['.repeat(60_000)).expect(400);
    assert.match(body.detail, /nested/);
  });

  for (const text of ['null', '[]', '"x"', '7']) {
    test(`a body of ${text} is no object`, async () => {
      const { body } = await http.post(step).set('content-type', 'application/json').send(text).expect(400);
      assert.equal(body.errors[0].pointer, '/body');
    });
  }

  test('a slip in a field is recognised', async () => {
    const { body } = await http.post('/v1/environments').send({ spec_id: 'Alpha-v0', sede: 3 }).expect(400);
    assert.match(body.detail, /did you mean "seed"/);
  });

  test('a slip in a required field is recognised', async () => {
    const { body } = await http.post('/v1/environments').send({ specId: 'Alpha-v0' }).expect(400);
    assert.match(body.detail, /"spec_id".*"specId"/);
  });

  for (const [change, pointer] of [
    [{ seed: -1 }, '/body/seed'],
    [{ seed: 1.5 }, '/body/seed'],
    [{ seed: '1' }, '/body/seed'],
    [{ seed: null }, '/body/seed'],
    [{ seed: 2 ** 53 }, '/body/seed'],
    [{ max_episode_steps: 0 }, '/body/max_episode_steps'],
    [{ idle_ttl_s: 0 }, '/body/idle_ttl_s'],
    [{ labels: { a: 1 } }, '/body/labels/a'],
    [{ labels: { 'a b': 'c' } }, '/body/labels'],
    [{ labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ''])) }, '/body/labels'],
    [{ kwargs: [] }, '/body/kwargs'],
    [{ spec_id: '' }, '/body/spec_id'],
    [{ num_envs: 4 }, '/body/num_envs'],
  ] as const) {
    test(`${JSON.stringify(change).slice(0, 60)} is refused at ${pointer}`, async () => {
      const { body } = await http
        .post('/v1/environments')
        .send({ spec_id: 'Alpha-v0', ...change })
        .expect(400);
      assert.equal(body.errors[0].pointer, pointer);
      assert.equal(body.errors[0].detail, body.detail);
    });
  }

  for (const query of [
    'page_size=0',
    'page_size=201',
    'page_size=ten',
    'page_size=1&page_size=2',
    'page_size=',
    'page_token=',
  ]) {
    test(`?${query} is refused`, async () => {
      await http.get(`/v1/environments?${query}`).expect(400);
    });
  }

  test('a path that nobody serves is a problem', async () => {
    const { body } = await http
      .get('/v1/nothing?secret=1')
      .expect(404)
      .expect('content-type', /^application\/problem\+json/);
    assert.equal(body.code, 'not_found');
    assert.equal(body.instance, '/v1/nothing');
  });

  test('a path that is not encoded is a problem', async () => {
    const { body } = await http.get('/v1/environments/%zz').expect(400);
    assert.equal(body.code, 'invalid_request');
  });

  test('an id of absurd length finds nothing', async () => {
    const { body } = await http.get(`/v1/environments/${'x'.repeat(1000)}`).expect(404);
    assert.equal(body.code, 'not_found');
  });

  test('a path that nobody serves is not told from one that somebody does without a key', async () => {
    await locked.get('/v1/nothing').expect(401);
  });

  test('what is no HTTP gets a problem too', async () => {
    const { port } = new URL(url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('HELLO\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /x-request-id: req_/);
    assert.match(answer, /"code":"invalid_request"/);
  });

  test("a harmless request id of the client's is kept, another one is replaced", async () => {
    const kept = await http.get('/v1/nothing').set('x-request-id', 'trace-1');
    assert.equal(kept.headers['x-request-id'], 'trace-1');
    assert.equal(kept.body.request_id, 'trace-1');
    const replaced = await http.get('/v1/nothing').set('x-request-id', 'two words');
    assert.match(String(replaced.headers['x-request-id']), /^req_/);
  });

  test('an empty body means {} with and without a content type', async () => {
    const reset = step.replace(/step$/, 'reset');
    const bare = await fetch(url + reset, { method: 'POST' });
    assert.equal(bare.status, 200);
    await http.post(reset).set('content-type', 'application/json').send('').expect(200);
    const { body } = await http.post(step).expect(400);
    assert.match(body.detail, /lacks the field "action"/);
  });
}
