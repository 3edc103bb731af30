import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContractContext } from '../../support/contract-context.ts';

export function jobCases({ http, services, url }: ContractContext): void {
  let id = '';
  let agentId = '';
  beforeEach(async () => {
    agentId = (await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: 'Alpha-v0' }).expect(201)).body.id;
    id = (await http.post(`/v1/agents/${agentId}/train`).send({ total_timesteps: 10 }).expect(202)).body.id;
  });

  test('jobs are listed by state, type and agent', async () => {
    const ids = async (query: string) =>
      (await http.get(`/v1/jobs?${query}`).expect(200)).body.data.map((job: { id: string }) => job.id);
    assert.deepEqual(await ids(`agent_id=${agentId}`), [id]);
    assert.deepEqual(await ids(`agent_id=${agentId}&type=evaluate`), []);
    assert.deepEqual(await ids(`agent_id=${agentId}&type=train&state=queued`), [id]);
    await http.get('/v1/jobs?state=paused').expect(400);
  });

  test('wait returns when the job ends', async () => {
    const waiting = http.get(`/v1/jobs/${id}?wait=30s`).expect(200).then();
    // Whether the wait has begun or not when the job ends, the answer is the same.
    services.setState(id, 'succeeded');
    assert.equal((await waiting).body.state, 'succeeded');
  });

  test('wait returns when the time is up', async () => {
    assert.equal((await http.get(`/v1/jobs/${id}?wait=1`).expect(200)).body.state, 'queued');
  });

  for (const wait of ['61', '-1', '1.5', '5m', 's', '']) {
    test(`wait=${wait} is refused`, async () => {
      await http.get(`/v1/jobs/${id}?wait=${wait}`).expect(400);
    });
  }

  test('a client that leaves ends its wait', async () => {
    const { signal } = await captureWait();
    assert.equal(signal.aborted, false);
    leave.abort();
    while (!signal.aborted) await sleep(5);
  });
  const leave = new AbortController();
  const captureWait = () =>
    new Promise<{ signal: AbortSignal }>((resolve) => {
      const { wait } = services.jobs;
      services.jobs.wait = async (jobId, seconds, signal) => {
        services.jobs.wait = wait;
        resolve({ signal });
        return wait(jobId, seconds, signal);
      };
      fetch(`${url}/v1/jobs/${id}?wait=60`, { signal: leave.signal }).catch(() => undefined);
    });

  test('cancelling ends a job once', async () => {
    assert.equal((await http.post(`/v1/jobs/${id}/cancel`).expect(200)).body.state, 'cancelled');
    assert.equal((await http.post(`/v1/jobs/${id}/cancel`).expect(409)).body.code, 'invalid_state_transition');
  });

  test('a job that failed says why', async () => {
    const job = services.jobStore.get(id);
    assert.ok(job);
    job.record = { ...job.record, error: { code: 'non_finite', message: 'The loss of the critic became NaN.' } };
    services.setState(id, 'failed');
    const { body } = await http.get(`/v1/jobs/${id}`).expect(200);
    assert.deepEqual(body.error, job.record.error);
    assert.ok(body.ended_at);
  });

  test('metrics are series of points', async () => {
    const { body } = await http.get(`/v1/jobs/${id}/metrics`).expect(200);
    assert.deepEqual(body.data[0], {
      key: 'episode/return',
      points: [
        [1, 0.5],
        [2, 'NaN'],
      ],
    });
    for (const keys of ['keys=loss/critic', 'keys=loss/critic,nothing', 'keys=nothing&keys=loss/critic']) {
      const some = await http.get(`/v1/jobs/${id}/metrics?${keys}&from_step=2&max_points=10`).expect(200);
      assert.deepEqual(some.body.data, [{ key: 'loss/critic', points: [[2, 2]] }]);
    }
  });

  test('a job is deleted once it has ended', async () => {
    assert.equal((await http.delete(`/v1/jobs/${id}`).expect(409)).body.code, 'invalid_state_transition');
    services.setState(id, 'succeeded');
    await http.delete(`/v1/jobs/${id}`).expect(204);
    await http.get(`/v1/jobs/${id}`).expect(404);
  });
}
