import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountSmallDisk } from '../../support/full-disk.ts';
import { NEW_AGENT, type RealContext } from '../../support/real-servers.ts';

const DISK_BYTES = 4 << 20;
/** Of Pendulum, 36 bytes each in the replay buffer. */
const STEPS = 20_000;

export function fullDiskCases({ start }: RealContext): void {
  test('a full disk is said, harms nothing, and is forgotten once there is room', async (t) => {
    const disk = mountSmallDisk(DISK_BYTES);
    if (disk === null) return t.skip('only root can mount a small disk');
    const server = await start({ dataDir: disk.folder });
    t.after(async () => {
      await server.close();
      disk.unmount();
    });
    const { http } = server;
    const blobs = () => readdirSync(join(disk.folder, 'blobs'));
    const agent = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const before = blobs();

    disk.fill(0);
    const { body } = await http
      .post('/v1/agents')
      .send({ ...NEW_AGENT, seed: 2 })
      .expect(507);
    assert.equal(body.code, 'disk_full');
    assert.match(body.detail, /No space is left in .*blobs for \d+ bytes; free space or move --data-dir/);
    const transition = {
      observations: [[1, 0, 0]],
      actions: [[1]],
      rewards: [0],
      next_observations: [[1, 0, 0]],
      terminations: [false],
    };
    const refused = await http.post(`/v1/agents/${agent.id}/transitions`).send(transition).expect(507);
    assert.equal(refused.body.code, 'disk_full');
    assert.deepEqual(blobs(), before);
    await http
      .post(`/v1/agents/${agent.id}/act`)
      .send({ observation: [1, 0, 0] })
      .expect(200);

    for (const [method, call, sent] of [
      ['PATCH', '', { name: 'sprinter' }],
      ['POST', '/train', { total_timesteps: 1 }],
      ['POST', '/evaluate', { episodes: 1 }],
      ['POST', '/checkpoints', {}],
      ['POST', '/restore', { checkpoint_id: agent.checkpoint_id }],
      ['DELETE', '', {}],
    ] as const) {
      const full = await http.call(method, `/v1/agents/${agent.id}${call}`).send(sent).expect(507);
      assert.match(full.body.detail, /nothing was changed; free space/);
    }
    assert.deepEqual((await http.get(`/v1/agents/${agent.id}`).expect(200)).body, agent);
    assert.deepEqual((await http.get('/v1/jobs').expect(200)).body.data, []);

    disk.clear();
    await http
      .post('/v1/agents')
      .send({ ...NEW_AGENT, seed: 2 })
      .expect(201);

    // Room for what is told of the job, and none for its replay buffer. Without updates it is there at once.
    disk.fill(256 << 10);
    const hyperparameters = { ...NEW_AGENT.hyperparameters, learning_starts: STEPS };
    const collector = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, hyperparameters })
        .expect(201)
    ).body;
    const plan = { total_timesteps: STEPS };
    const job = (await http.post(`/v1/agents/${collector.id}/train`).send(plan).expect(202)).body;
    const ended = (await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body;
    assert.equal(ended.state, 'failed');
    assert.equal(ended.error.code, 'disk_full');
    assert.match(ended.error.message, /the last checkpoint stands/);
    assert.ok(blobs().every((name) => !name.startsWith('.tmp')));

    disk.clear();
    const again = (await http.post(`/v1/agents/${collector.id}/train`).send({ total_timesteps: 60 }).expect(202)).body;
    assert.equal((await http.get(`/v1/jobs/${again.id}?wait=30s`).expect(200)).body.state, 'succeeded');
  });
}
