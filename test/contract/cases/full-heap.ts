import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RealContext } from '../../support/real-servers.ts';

const ROBOT = 'Humanoid-v5';
/** As one vector, so that one call makes room; singles fill the rest. */
const CROWD = 800;

/** What a client meets when MuJoCo's 2 GiB are full: about 910 humanoids in the one worker of this server. */
export function fullHeapCases({ start }: RealContext): void {
  test('a worker without memory for another robot says so, and those that it holds go on', async (t) => {
    const { http, close } = await start();
    t.after(close);
    const create = (wanted: object) => http.post('/v1/environments').send({ spec_id: ROBOT, seed: 7, ...wanted });
    const action = new Array<number>(17).fill(0.1);
    const play = async (id: string) => {
      const { body } = await http.post(`/v1/environments/${id}/reset`).send({ seed: 7 }).expect(200);
      const step = await http.post(`/v1/environments/${id}/step`).send({ action }).expect(200);
      return [body.observation, step.body.observation, step.body.reward];
    };
    const { id } = (await create({}).expect(201)).body;
    const undisturbed = await play(id);
    const crowd = (await create({ num_envs: CROWD }).expect(201)).body;
    let made = 0;
    let answer = await create({});
    for (; answer.status === 201; made++) answer = await create({});

    assert.ok(made > 50 && made < 150, `${made} were made beside the ${CROWD}`);
    assert.deepEqual([answer.status, answer.body.code], [503, 'capacity_reached']);
    assert.match(answer.body.detail, /memory in this worker are full; make fewer environments/);
    assert.equal(answer.headers['retry-after'], '1');
    // A vector that would fit in part, another robot, a model of its own, a first picture.
    for (const wanted of [{ num_envs: 8 }, { spec_id: 'Ant-v5' }, { wrappers: [{ name: 'ScaleMass' }] }]) {
      assert.equal((await create({ num_envs: 8, ...wanted }).expect(503)).body.code, 'capacity_reached');
    }
    assert.equal((await http.get(`/v1/environments/${id}/render`).expect(503)).body.code, 'capacity_reached');
    assert.deepEqual(await play(id), undisturbed);

    await http.delete(`/v1/environments/${crowd.id}`).expect(204);
    // Not all of them again: what stayed between them leaves some gaps too short.
    const again = await create({ num_envs: CROWD - 50 });
    assert.equal(again.status, 201, again.body.detail);
    await http.get(`/v1/environments/${id}/render?width=16&height=16`).expect(200);
    assert.deepEqual(await play(id), undisturbed);
  });
}
