import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW_AGENT, type RealContext, SMALL } from '../../support/real-servers.ts';

const MB = 2 ** 20;

/** Memory is admitted before it is taken: by computed size, a job at a time and all that run at once. */
export function memoryCases({ start }: RealContext): void {
  test('a job whose replay is too large is refused with the size that fits, and an agent of that size trains', async (t) => {
    const { http, close } = await start({ jobMemory: { jobBytes: 4 * MB, totalBytes: 8 * MB } });
    t.after(close);
    const train = async (replay_capacity: number) => {
      const wanted = { ...NEW_AGENT, hyperparameters: { ...SMALL, replay_capacity } };
      const { id } = (await http.post('/v1/agents').send(wanted).expect(201)).body;
      return await http.post(`/v1/agents/${id}/train`).send({ total_timesteps: 10 });
    };
    const { status, body } = await train(1_000_000);
    assert.equal(status, 422);
    assert.equal(body.code, 'memory_limit');
    const [, fits] =
      /needs .* MiB .*; a job may take 4\.0 MiB\. .*replay_capacity of at most (\d+) /.exec(body.detail) ?? [];
    assert.equal((await train(Number(fits) + 1)).status, 422);
    assert.equal((await train(Number(fits))).status, 202);
  });

  test('jobs that would run at the same time share the memory', async (t) => {
    const { http, close } = await start({ maxRunningJobs: 2, jobMemory: { jobBytes: 6 * MB, totalBytes: 8 * MB } });
    t.after(close);
    // Some 5 MiB each: one fits, two do not.
    const wanted = { ...NEW_AGENT, hyperparameters: { ...SMALL, replay_capacity: 200_000 } };
    const [first, second] = [
      (await http.post('/v1/agents').send(wanted).expect(201)).body.id,
      (await http.post('/v1/agents').send(wanted).expect(201)).body.id,
    ];
    const running = (await http.post(`/v1/agents/${first}/train`).send({ total_timesteps: 1e6 }).expect(202)).body;
    const { body } = await http.post(`/v1/agents/${second}/train`).send({ total_timesteps: 10 }).expect(422);
    assert.equal(body.code, 'memory_limit');
    assert.match(body.detail, /of the 8\.0 MiB for all jobs at once, others take .* MiB\. Wait for the end of a job/);
    await http.post(`/v1/jobs/${running.id}/cancel`).expect(200);
    await http.get(`/v1/jobs/${running.id}?wait=30s`).expect(200);
    await http.post(`/v1/agents/${second}/train`).send({ total_timesteps: 10 }).expect(202);
  });
}
