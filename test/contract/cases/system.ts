import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { NEW_AGENT, pipelineInTwo, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

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
    assert.deepEqual((await http.get('/openapi.json').expect(200)).body, load(yaml));
  });

  test('the server tells its version, engines, limits and use', async () => {
    const { body } = await http.get('/v1/server').expect(200);
    assert.ok(body.engines.some(({ available }: { available: boolean }) => available));
    assert.deepEqual(body.limits, {
      environments: 1000,
      sub_environments: 4096,
      rollout_steps: 1000,
      step_timeout_s: null,
      running_jobs: 2,
      queued_jobs: 1000,
      job_memory_bytes: 2 ** 30,
      body_bytes: 1 << 20,
      file_bytes: 64 << 20,
    });
  });

  test('what the operator limits is said, and holds', async (t) => {
    const small = await start({ maxEnvironments: 1, stepTimeoutMs: 60_000 });
    t.after(small.close);
    const { limits } = (await small.http.get('/v1/server').expect(200)).body;
    assert.deepEqual([limits.environments, limits.step_timeout_s], [1, 60]);
    await small.http.post('/v1/environments').send({ spec_id: SPEC }).expect(201);
    await small.http.post('/v1/environments').send({ spec_id: SPEC }).expect(503);
  });

  test('Prometheus may scrape the server while a job trains, and sees it', async () => {
    const { id: agent } = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const training = { total_timesteps: 1_000_000 };
    const { id: job } = (await http.post(`/v1/agents/${agent}/train`).send(training).expect(202)).body;
    const { id: environment } = (await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body;
    const before = samplesOf((await http.get('/metrics').expect(200)).text);
    await http.post(`/v1/environments/${environment}/reset`).expect(200);
    await http
      .post(`/v1/environments/${environment}/step`)
      .send({ action: [0] })
      .expect(200);
    await http.post(`/v1/environments/${environment}/rollout`).send({ steps: 5 }).expect(200);
    const actions = Array.from({ length: 7 }, () => [0]);
    await http.post(`/v1/environments/${environment}/rollout`).send({ actions }).expect(200);
    let seen = before;
    const deadline = Date.now() + 60_000;
    while (!((seen.get('gymserve_job_updates_per_second') ?? 0) > 0) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { text, headers } = await http.get('/metrics').expect(200);
      assert.match(String(headers['content-type']), /^text\/plain/);
      seen = samplesOf(text);
    }
    const value = (name: string) => seen.get(name) ?? Number.NaN;
    assert.ok(value('gymserve_job_updates_per_second') > 0);
    assert.ok(value('gymserve_job_steps_per_second') > 0);
    assert.equal(value('gymserve_jobs{state="running"}'), 1);
    assert.ok(value('gymserve_environments') >= 1);
    const steps = 'gymserve_environment_steps_total';
    assert.equal(value(steps) - (before.get(steps) ?? Number.NaN), 1 + 5 + 7);
    const asked = 'gymserve_http_request_duration_seconds_count{operation="stepEnvironment",status="200"}';
    assert.ok(value(asked) >= 1);
    assert.ok(value('nodejs_heap_size_used_bytes') > 0);
    assert.ok(value('nodejs_eventloop_lag_p99_seconds') >= 0);
    await http.post(`/v1/jobs/${job}/cancel`).expect(200);
    await http.delete(`/v1/environments/${environment}`).expect(204);
  });

  test('every answer tells browsers that it is no page, and no page may read it', async () => {
    const { headers } = await http.get('/v1/server').set('origin', 'https://example.org').expect(200);
    assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(headers['access-control-allow-origin'], undefined);
  });

  test('only pages of named origins may call the API, and may ask so without a key', async () => {
    const friend = 'https://example.org';
    const server = await start({ allowedOrigins: [friend], apiKeys: [] });
    const ask = (origin: string) =>
      fetch(`${server.url}/v1/agents`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      });
    const welcome = await ask(friend);
    assert.equal(welcome.status, 204);
    assert.equal(welcome.headers.get('access-control-allow-origin'), friend);
    assert.match(welcome.headers.get('access-control-allow-headers') ?? '', /authorization/);
    assert.equal((await ask('https://example.com')).headers.get('access-control-allow-origin'), null);
    await server.close();
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

/** Of Prometheus' text format, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
