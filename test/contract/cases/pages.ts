import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';
import { refusedHandshake } from '../../support/stream-client.ts';

const FRIEND = 'http://gym.example.org:8000';

/** What pages in the browsers of a server's users can do to it. */
export function pageCases({ http, locked, url, recorded, start }: RealContext): void {
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
    test(`a page of the origin ${origin} changes nothing on a server without keys`, async () => {
      for (const call of [
        http.post('/v1/backups'),
        http.post('/v1/environments').send({ spec_id: SPEC }),
        http.delete('/v1/environments/env_1'),
      ]) {
        const { body } = await call.set('origin', origin).expect(403);
        assert.equal(body.code, 'forbidden_origin');
        assert.ok(body.detail.includes(`--allow-origins ${origin}`), body.detail);
      }
      // Nothing says that it may read this: see the test of CORS.
      await http.get('/v1/agents').set('origin', origin).expect(200);
    });
  }

  for (const host of [
    'evil.example',
    'evil.example:8000',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    'x y',
  ]) {
    test(`a server without keys does not answer to the name ${host}`, async () => {
      const call = http.get('/v1/agents').set('host', host).set('origin', `http://${host}`);
      const { body } = await call.expect(403);
      assert.equal(body.code, 'forbidden_host');
      assert.ok(body.detail.includes(JSON.stringify(host)), body.detail);
      const path = `/v1/environments/env_1/ws`;
      const headers = { host, origin: `http://${host}` };
      const refused = await refusedHandshake({ url, recorded }, path, [], { headers });
      assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden_host']);
    });
  }

  for (const host of ['localhost', 'localhost:1', '127.0.0.1', '127.8.9.10:81', '[::1]:8000', 'gym.localhost']) {
    test(`it answers to ${host}, and to a page of its own there`, async () => {
      const call = http.post('/v1/environments').set('host', host).set('origin', `http://${host}`);
      const { body } = await call.send({ spec_id: SPEC }).expect(201);
      await http.delete(`/v1/environments/${body.id}`).expect(204);
    });
  }

  test('what is open to everybody is open under any name', async () => {
    await http.get('/healthz').set('host', 'evil.example').expect(200);
    await http.get('/openapi.json').set('host', 'evil.example').expect(200);
  });

  test('an origin that the server allows may call it, and is a name of the server too', async () => {
    const server = await start({ allowedOrigins: [FRIEND] });
    for (const host of ['localhost', 'gym.example.org:8000', 'gym.example.org'])
      await server.http.post('/v1/environments').set({ host, origin: FRIEND }).send({ spec_id: SPEC }).expect(201);
    await server.http.get('/v1/agents').set('host', 'example.org').expect(403);
    await server.close();
  });

  test('with keys, or where it is told to, a server answers to any name', async () => {
    const headers = { host: 'gym.example.org', origin: 'https://gym.example.org' };
    const withKey = { ...headers, authorization: `Bearer ${KEY}` };
    await locked.post('/v1/environments').set(withKey).send({ spec_id: SPEC }).expect(201);
    const server = await start({ anyHost: true });
    await server.http.get('/v1/agents').set(headers).expect(200);
    await server.http
      .post('/v1/backups')
      .set({ ...headers, origin: 'https://evil.example' })
      .expect(403);
    await server.close();
  });

  for (const path of [
    '/docs/static/../x',
    '/docs/static/%2e%2e/x',
    '/docs/static/..\\x',
    '/docs/static/a%00b',
    '/docs/x',
  ]) {
    test(`there is nothing at ${path}, and no fault`, async () => {
      const [answer = assert.fail()] = await pipeline(url, rawRequest('GET', path), 1);
      assert.equal(answer.status, 404, answer.text);
      assert.equal(JSON.parse(answer.text).code, 'not_found');
    });
  }
}
