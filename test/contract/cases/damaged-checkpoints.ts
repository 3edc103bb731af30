import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NEW_AGENT, type RealContext, SPEC } from '../../support/real-servers.ts';

/** What clients see of checkpoints whose files lost their ends. */
export function damagedCheckpointCases({ http, dataDir }: RealContext): void {
  let seed = 9000;
  /** An agent at 60 timesteps, with the file of its newest checkpoint cut, and how to mend that. */
  async function damaged() {
    const agent = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, seed: seed++ })
        .expect(201)
    ).body;
    const path = `/v1/agents/${agent.id}`;
    const job = (await http.post(`${path}/train`).send({ total_timesteps: 60 }).expect(202)).body;
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.state, 'succeeded');
    const newest = (await http.get(path).expect(200)).body.checkpoint_id;
    const { sha256 } = (await http.get(`/v1/checkpoints/${newest}`).expect(200)).body;
    const file = join(dataDir, 'blobs', sha256);
    const content = readFileSync(file);
    truncateSync(file, 100);
    const checkpoint = async () => (await http.get(`/v1/checkpoints/${newest}`).expect(200)).body;
    return {
      path,
      id: agent.id,
      first: agent.checkpoint_id,
      newest,
      checkpoint,
      mend: () => writeFileSync(file, content),
    };
  }

  test('an agent acts with its newest policy that is whole, and says which that is', async () => {
    const { path, first, checkpoint } = await damaged();
    assert.equal((await checkpoint()).damage, null);
    const observation = { observation: [1, 0, 0], deterministic: true };
    assert.equal((await http.post(`${path}/act`).send(observation).expect(200)).body.policy_step, 0);
    const { body } = await http.get(path).expect(200);
    assert.equal(body.checkpoint_id, first);
    assert.equal(body.timesteps, 0);
    assert.match((await checkpoint()).damage, /\(model\) has 100 bytes instead of \d+/);
  });

  test('so it does in a rollout, and so its policy is exported', async () => {
    const { path, id, first, mend, newest } = await damaged();
    const environment = (await http.post('/v1/environments').send({ spec_id: SPEC }).expect(201)).body.id;
    const rollout = { steps: 3, agent_id: id };
    const { body } = await http.post(`/v1/environments/${environment}/rollout`).send(rollout).expect(200);
    assert.equal(body.policy_step, 0);
    assert.equal((await http.get(path).expect(200)).body.checkpoint_id, first);
    await http.delete(`/v1/environments/${environment}`).expect(204);
    mend();
    await http.post(`${path}/restore`).send({ checkpoint_id: newest }).expect(200);
    const other = await damaged();
    await http.get(`${other.path}/policy.onnx`).expect(200);
    assert.equal((await http.get(other.path).expect(200)).body.checkpoint_id, other.first);
  });

  test('a job begins at the newest checkpoint that is whole, and says so', async () => {
    const { path, first, newest } = await damaged();
    const job = (await http.post(`${path}/train`).send({ total_timesteps: 60 }).expect(202)).body;
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.state, 'succeeded');
    assert.equal((await http.get(path).expect(200)).body.timesteps, 60);
    const { data } = (await http.get(`/v1/jobs/${job.id}/events`).expect(200)).body;
    const said = data.find((event: { data: { reason?: string } }) => event.data.reason === 'checkpoint_corrupt').data;
    assert.deepEqual([said.damaged_checkpoint_id, said.checkpoint_id], [newest, first]);
    const logs = (await http.get(`/v1/jobs/${job.id}/logs`).expect(200)).body.data;
    const line = `Checkpoint ${newest} is damaged, so the job goes on from checkpoint ${first} at 0 timesteps.`;
    assert.ok(
      logs.some(({ message }: { message: string }) => message.startsWith(line)),
      JSON.stringify(logs),
    );
  });

  test('what was asked for by its name is refused, until it is whole again', async () => {
    const { path, id, first, newest, checkpoint, mend } = await damaged();
    const content = await http.get(`/v1/checkpoints/${newest}/content`).expect(422);
    assert.equal(content.body.code, 'checkpoint_corrupt');
    const restore = (checkpointId: string) => http.post(`${path}/restore`).send({ checkpoint_id: checkpointId });
    await restore(first).expect(200);
    assert.equal((await restore(newest).expect(422)).body.code, 'checkpoint_corrupt');
    assert.equal((await http.get(path).expect(200)).body.checkpoint_id, first);
    const fork = await http.post('/v1/agents').send({ from_checkpoint_id: newest }).expect(422);
    assert.equal(fork.body.code, 'checkpoint_corrupt');
    const job = (await http.post(`${path}/evaluate`).send({ episodes: 1, checkpoint_id: newest }).expect(202)).body;
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.error.code, 'checkpoint_corrupt');
    assert.notEqual((await checkpoint()).damage, null);
    mend();
    assert.equal((await restore(newest).expect(200)).body.checkpoint_id, newest);
    assert.equal((await checkpoint()).damage, null);
    assert.equal((await http.get(`/v1/agents/${id}`).expect(200)).body.timesteps, 60);
  });

  test('where no checkpoint is whole, agent and job say what is damaged, and nothing is deleted', async () => {
    const { path, first, newest } = await damaged();
    const { sha256 } = (await http.get(`/v1/checkpoints/${first}`).expect(200)).body;
    truncateSync(join(dataDir, 'blobs', sha256), 10);
    const { body } = await http
      .post(`${path}/act`)
      .send({ observation: [1, 0, 0] })
      .expect(422);
    assert.equal(body.code, 'checkpoint_corrupt');
    const job = (await http.post(`${path}/train`).send({ total_timesteps: 60 }).expect(202)).body;
    const ended = (await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body;
    assert.equal(ended.state, 'failed');
    assert.equal(ended.error.code, 'checkpoint_corrupt');
    for (const id of [first, newest])
      assert.notEqual((await http.get(`/v1/checkpoints/${id}`).expect(200)).body.damage, null);
  });
}
