import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ContractContext } from '../../support/contract-context.ts';

export function systemCases({ http, services, contract, url }: ContractContext): void {
  test('healthz answers in any case', async (t) => {
    services.isReady = false;
    t.after(() => {
      services.isReady = true;
    });
    assert.deepEqual((await http.get('/healthz').set('accept', 'text/plain').expect(200)).body, { status: 'ok' });
  });

  test('readyz follows the server', async () => {
    await http.get('/readyz?probe=1').expect(200);
    services.isReady = false;
    const { body, headers } = await http.get('/readyz').expect(503);
    services.isReady = true;
    assert.equal(body.code, 'not_ready');
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
    assert.equal(body.engines[1].reason, 'No C compiler.');
    assert.equal(body.limits.running_jobs, 1);
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
