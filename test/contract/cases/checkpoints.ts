import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import type { ContractContext } from '../../support/contract-context.ts';

export function checkpointCases({ http }: ContractContext): void {
  let agent = '';
  let path = '';
  before(async () => {
    agent = `/v1/agents/${(await http.post('/v1/agents').send({ algorithm: 'sac', spec_id: 'Alpha-v0' }).expect(201)).body.id}`;
    path = `/v1/checkpoints/${(await http.post(`${agent}/checkpoints`).expect(201)).body.id}`;
  });

  test('the resource says what the content is', async () => {
    const { body } = await http.get(path).expect(200);
    const { body: content } = await http.get(`${path}/content`).expect(200);
    assert.equal(body.size_bytes, content.length);
    assert.equal(body.sha256, createHash('sha256').update(content).digest('hex'));
  });

  test('the content carries its digest and a file name', async () => {
    const { headers, body } = await http.get(`${path}/content`).expect(200);
    const digest = createHash('sha256').update(body);
    assert.equal(headers['repr-digest'], `sha-256=:${digest.copy().digest('base64')}:`);
    assert.equal(headers.etag, `"${digest.digest('hex')}"`);
    assert.equal(headers['content-length'], '256');
    assert.match(String(headers['content-disposition']), /^attachment; filename="ckpt_\w+\.safetensors"$/);
  });

  for (const [range, first, last] of [
    ['bytes=0-9', 0, 9],
    ['bytes=250-', 250, 255],
    ['bytes=-3', 253, 255],
    ['bytes=200-9999', 200, 255],
  ] as const) {
    test(`${range} is bytes ${first} to ${last}`, async () => {
      const { headers, body } = await http.get(`${path}/content`).set('range', range).expect(206);
      assert.equal(headers['content-range'], `bytes ${first}-${last}/256`);
      assert.equal(headers['content-length'], String(last - first + 1));
      assert.deepEqual([body[0], body.at(-1)], [first, last]);
    });
  }

  for (const range of ['bytes=256-', 'bytes=-0']) {
    test(`${range} is beyond the end`, async () => {
      const { body } = await http.get(`${path}/content`).set('range', range).expect(416);
      assert.equal(body.code, 'range_not_satisfiable');
    });
  }

  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=9-3', 'bytes=-']) {
    test(`${range} is ignored`, async () => {
      await http.get(`${path}/content`).set('range', range).expect(200);
    });
  }

  test('what the client has is not sent again, and a stale part is not continued', async () => {
    const { headers } = await http.get(`${path}/content`).expect(200);
    const etag = String(headers.etag);
    await http.get(`${path}/content`).set('if-none-match', `"other", W/${etag}`).expect(304);
    await http.get(`${path}/content`).set({ range: 'bytes=1-', 'if-range': etag }).expect(206);
    await http.get(`${path}/content`).set({ range: 'bytes=1-', 'if-range': '"other"' }).expect(200);
  });

  test('one that an agent stands on stays', async () => {
    const { body } = await http.get(agent).expect(200);
    assert.equal(
      (await http.delete(`/v1/checkpoints/${body.checkpoint_id}`).expect(409)).body.code,
      'checkpoint_in_use',
    );
  });

  test('deletion leaves nothing', async () => {
    await http.delete(path).expect(204);
    await http.get(path).expect(404);
    await http.get(`${path}/content`).expect(404);
  });
}
