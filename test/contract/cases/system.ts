import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { pipelineInTwo, type RealContext, rawRequest } from '../../support/real-servers.ts';

export function systemCases({ http, contract, recorded, url, start }: RealContext): void {
  test('a server that lives and is ready says so', async () => {
    assert.deepEqual((await http.get('/healthz').set('accept', 'text/plain').expect(200)).body, { status: 'ok' });
    await http.get('/readyz?probe=1').expect(200);
  });

  test('a server that drains is not ready, and still answers what reaches it', async () => {
    const draining = await start();
    const answered = pipelineInTwo(draining.url, rawRequest('GET', '/readyz'), () => draining.close());
    const { status, headers, text } = await answered;
    recorded.record('GET', '/readyz', { status, headers, text });
    assert.equal(status, 503);
    assert.equal(JSON.parse(text).code, 'not_ready');
    assert.equal(headers['retry-after'], '1');
  });

  test('the document is served as it was written, in YAML and in JSON', async () => {
    const yaml = await (await fetch(`${url}/openapi.yaml`)).text();
    assert.equal(yaml, contract.text);
    await http.get('/openapi.yaml').expect(200);
    assert.deepEqual((await http.get('/openapi.json').expect(200)).body, parse(yaml));
  });

  test('the server tells its version, engines, limits and use', async () => {
    const { body } = await http.get('/v1/server').expect(200);
    assert.ok(body.engines.some(({ available }: { available: boolean }) => available));
    assert.deepEqual(body.limits, { environments: 1000, running_jobs: 2, queued_jobs: 1000, body_bytes: 1 << 20 });
  });

  test('the docs load nothing from elsewhere', async () => {
    const page = await http.get('/docs').expect(200);
    const script = await http.get('/docs/static/swagger-initializer.js').expect(200);
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => String(address));
    assert.ok(loaded.length > 4);
    for (const address of loaded) {
      assert.match(address, /^\/docs\//);
      await http.get(address).expect(200);
    }
    assert.match(String(page.headers['content-security-policy']), /default-src 'self'/);
    assert.doesNotMatch(String(page.headers['content-security-policy']), /https?:/);
    assert.match(script.text, /"validatorUrl":null/);
  });
}
