import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { before, test } from 'node:test';
import { NEW_AGENT, pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

export function badInputCases({ http, url, locked }: RealContext): void {
  let step = '';
  before(async () => {
    const { body } = await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
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
    ['[1,2]', 422],
    ['[1e39]', 422],
    ['[[0.5]]', 422],
    ['["NaN"]', 422],
    ['"Infinity"', 422],
    ['1e999', 400],
    ['[-1e400]', 400],
  ] as const) {
    test(`${text} is no action`, async () => {
      const { body } = await http
        .post(step)
        .set('content-type', 'application/json')
        .send(`{"action":${text}}`)
        .expect(status);
      assert.equal(body.code, status === 400 ? 'invalid_request' : 'action_out_of_space');
      assert.match(body.detail, /(must be|Send|lacks) /);
      if (/1e\d{3}/.test(text)) assert.match(body.detail, /a number too large/);
    });
  }

  test('a finite number beyond the bounds is an action, as in Gymnasium', async () => {
    await http
      .post(step)
      .send({ action: [1e6] })
      .expect(200);
  });

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
    const { body } = await http.post('/v1/environments').send({ spec_id: SPEC, sede: 3 }).expect(400);
    assert.match(body.detail, /did you mean "seed"/);
  });

  test('a slip in a required field is recognised', async () => {
    const { body } = await http.post('/v1/environments').send({ specId: SPEC }).expect(400);
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
    [{ num_envs: 0 }, '/body/num_envs'],
    [{ num_envs: 4097 }, '/body/num_envs'],
    [{ num_envs: 2, autoreset_mode: 'nextstep' }, '/body/autoreset_mode'],
    [{ autoreset_mode: 'SameStep' }, '/body'],
  ] as const) {
    test(`${JSON.stringify(change).slice(0, 60)} is refused at ${pointer}`, async () => {
      const { body } = await http
        .post('/v1/environments')
        .send({ spec_id: SPEC, ...change })
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
    'page_size=%201',
    'page_size=0x10',
    'page_size=1e2',
    `page_size=${'9'.repeat(400)}`,
    'page_token=',
    'page_token=garbage',
    'page_token=!',
    'page_token=%00',
    `page_token=${'a'.repeat(201)}`,
    'page_size[]=1',
    '__proto__=1',
  ]) {
    test(`?${query.slice(0, 30)} is refused by every list`, async () => {
      for (const list of ['environments', 'agents', 'jobs']) {
        const { body } = await http.get(`/v1/${list}?${query}`).expect(400);
        assert.equal(body.code, 'invalid_request');
      }
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

  for (const path of [
    '/v1/agents/',
    '/v1/agents/agt_1%00',
    '/v1/agents/agt_1%0A',
    '/v1/environments/x/',
    '/v1//agents',
  ]) {
    test(`${path} leads nowhere`, async () => {
      const { body } = await http.call('DELETE', path).expect(404);
      assert.equal(body.code, 'not_found');
      assert.match(body.detail, /GET \/openapi.json/);
      if (path.endsWith('/')) assert.match(body.detail, /leave the slash/);
    });
  }

  test('an id of absurd length finds nothing', async () => {
    const { body } = await http.get(`/v1/environments/${'x'.repeat(1000)}`).expect(404);
    assert.equal(body.code, 'not_found');
  });

  test('a path that nobody serves is not told from one that somebody does without a key', async () => {
    await locked.get('/v1/nothing').expect(401);
  });

  for (const [what, request, detail] of [
    ['no HTTP', 'HELLO\r\n\r\n', /not valid HTTP/],
    ['a method that Node does not know', 'FOO / HTTP/1.1\r\nhost: a\r\n\r\n', /not valid HTTP/],
    ['HTTP/1.1 without Host', 'GET /v1/server HTTP/1.1\r\n\r\n', /Host is missing/],
    ['a path of 20 kB', rawRequest('GET', `/${'a'.repeat(20_000)}`), /send shorter ones/],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      /not valid/,
    ],
  ] as const) {
    test(`${what} gets a problem too`, async () => {
      const [response] = await pipeline(url, request, 1);
      assert.equal(response?.status, 400);
      assert.ok(response.headers['x-request-id']);
      const problem = JSON.parse(response.text);
      assert.equal(problem.code, 'invalid_request');
      assert.match(problem.detail, detail);
    });
  }

  test('an expectation that nobody knows is ignored', async () => {
    const request = 'GET /healthz HTTP/1.1\r\nhost: a\r\nexpect: a-banana\r\n\r\n';
    assert.equal((await pipeline(url, request, 1))[0]?.status, 200);
  });

  for (const method of ['TRACE', 'OPTIONS', 'QUERY']) {
    test(`${method} is not allowed`, { skip: !METHODS.includes(method) }, async () => {
      const [response] = await pipeline(url, rawRequest(method, '/v1/agents'), 1);
      assert.equal(response?.status, 405);
      assert.equal(response.headers['allow'], 'GET, HEAD, POST');
    });
  }

  for (const [name, value] of [
    ['content-type', 'application/json; charset=utf-16'],
    ['content-type', 'application/jsonx'],
    ['content-type', 'application/merge-patch+json'],
    ['content-encoding', 'gzip'],
  ] as const) {
    test(`${name}: ${value} is not read`, async () => {
      const { body } = await http
        .post(step)
        .set({ 'content-type': 'application/json', [name]: value })
        .send('{"action":[0.5]}')
        .expect(415);
      assert.match(body.detail, /"(utf-16|application\/jsonx|application\/merge-patch\+json|gzip)".*send/);
    });
  }

  test('bytes that are no UTF-8 are refused, not replaced', async () => {
    const body = Buffer.concat([Buffer.from('{"spec_id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const answer = await fetch(`${url}/v1/environments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { detail: string }).detail, /not valid UTF-8/);
  });

  for (const name of ['a\\u0000b', '\\ud800', '\\n']) {
    test(`"${name}" is no name, since it would not be stored as it is`, async () => {
      const text = `{"algorithm":"sac","spec_id":"${SPEC}","name":"${name}"}`;
      const { body } = await http.post('/v1/agents').set('content-type', 'application/json').send(text).expect(400);
      assert.equal(body.errors[0].pointer, '/body/name');
    });
  }

  test('an id with a NUL behind it is not that id', async () => {
    const agent = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const train = { total_timesteps: 1e6 };
    const job = (await http.post(`/v1/agents/${agent.id}/train`).send(train).expect(202)).body;
    await http.delete(`/v1/agents/${agent.id}%00`).expect(404);
    await http
      .post('/v1/agents')
      .send({ from_checkpoint_id: `${agent.checkpoint_id}\0` })
      .expect(400);
    await http.post(`/v1/jobs/${job.id}/cancel`).expect(200);
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=30s`).expect(200)).body.state, 'cancelled');
  });

  test('the body of a DELETE is not looked at', async () => {
    await http.delete('/v1/agents/agt_none').set('content-type', 'text/plain').send('hello').expect(404);
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
