import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { NEW_AGENT, pipeline, type RealContext, SPEC } from '../../support/real-servers.ts';

/** Requests that create, repeated under one key. */
export function idempotencyCases({ http, locked, url, recorded }: RealContext): void {
  let agent = '';
  let other = '';
  before(async () => {
    agent = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    other = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
  });
  const keyed = (path: string, key: string, body: object) => http.post(path).set('idempotency-key', key).send(body);

  /** Two at once on one connection, so that the second is there before the first is answered. */
  async function twice(path: string, key: string, body: object): Promise<number[]> {
    const text = JSON.stringify(body);
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\nidempotency-key: ${key}\r\ncontent-type: application/json\r\n`;
    const request = `${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
    const responses = await pipeline(url, request + request, 2);
    for (const response of responses) recorded.record('POST', path, response);
    assert.equal(JSON.parse(responses[1]?.text ?? '').code, 'idempotency_key_in_flight', responses[1]?.text);
    return responses.map(({ status }) => status);
  }

  const creations = [
    {
      what: 'an environment',
      path: () => '/v1/environments',
      body: { spec_id: SPEC },
      another: { spec_id: SPEC, seed: 1 },
    },
    { what: 'an agent', path: () => '/v1/agents', body: NEW_AGENT, another: { ...NEW_AGENT, seed: 2 } },
    {
      what: 'an evaluation',
      path: () => `${agent}/evaluate`,
      // Checked in a worker before the job is queued.
      body: { episodes: 1, perturbations: [{ name: 'ActionDelay', kwargs: { delay: 1 } }] },
      another: { episodes: 2 },
    },
  ];
  for (const { what, path, body, another } of creations) {
    test(`${what} that is asked for again under one key is made once`, async () => {
      const key = `k-${what.replaceAll(' ', '-')}`;
      const first = await keyed(path(), key, body).expect((response) =>
        assert.ok(response.status < 300, response.text),
      );
      assert.equal(first.headers['idempotency-replayed'], undefined);
      const again = await keyed(path(), key, body).expect(first.status);
      assert.equal(again.headers['idempotency-replayed'], 'true');
      assert.deepEqual(again.body, first.body);
      assert.equal(again.headers.location, first.headers.location);
      const { body: refused } = await keyed(path(), key, another).expect(422);
      assert.equal(refused.code, 'idempotency_key_reused');
      assert.match(refused.detail, /came with another body at \d{4}-.*give each new request a key of its own/);
      assert.deepEqual(await twice(path(), `${key}-twice`, body), [first.status, 409]);
    });
  }

  test('a job and a checkpoint that are asked for again under one key are made once', async () => {
    const plan = { total_timesteps: 1_000_000 };
    const first = await keyed(`${agent}/train`, 'k-train', plan).expect(202);
    const again = await keyed(`${agent}/train`, 'k-train', plan).expect(202);
    assert.deepEqual(again.body, first.body);
    // Evaluations of the tests before may hold the slots.
    while ((await http.get(`/v1/jobs/${first.body.id}`).expect(200)).body.state !== 'running');
    // The running job writes the checkpoint at its next step, which is not yet.
    assert.deepEqual(await twice(`${agent}/checkpoints`, 'k-ckpt', {}), [201, 409]);
    const kept = await keyed(`${agent}/checkpoints`, 'k-ckpt', {}).expect(201);
    assert.equal(kept.headers['idempotency-replayed'], 'true');
    const { body } = await keyed(`${other}/checkpoints`, 'k-ckpt', {}).expect(422);
    assert.match(body.detail, /came with POST .*\/checkpoints instead of POST .*\/checkpoints at/);
    await http.post(`/v1/jobs/${first.body.id}/cancel`).expect(200);
    await http.get(`/v1/jobs/${first.body.id}?wait=60s`).expect(200);
  });

  test('a request that failed may be repeated, and callers share no keys', async () => {
    await keyed('/v1/agents', 'k-failed', { ...NEW_AGENT, spec_id: 'Nothing-v0' }).expect(404);
    await keyed('/v1/agents', 'k-failed', NEW_AGENT).expect(201);
    await locked.post('/v1/agents').set('idempotency-key', 'k-failed').send(NEW_AGENT).expect(401);
  });

  for (const key of ['', 'x'.repeat(256), 'two words']) {
    test(`the key "${key.slice(0, 20)}" is refused`, async () => {
      await keyed('/v1/agents', key, NEW_AGENT).expect(400);
    });
  }
}
