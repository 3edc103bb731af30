import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { NEW_AGENT, type RealContext } from '../../support/real-servers.ts';

export function checkpointCases({ http }: RealContext): void {
  let agent = '';
  let path = '';
  let content = Buffer.alloc(0);
  let size = 0;
  before(async () => {
    agent = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    path = `/v1/checkpoints/${(await http.post(`${agent}/checkpoints`).expect(201)).body.id}`;
    content = (await http.get(`${path}/content`).expect(200)).body;
    size = content.length;
  });

  test('the resource says what the content is', async () => {
    const { body } = await http.get(path).expect(200);
    assert.equal(body.size_bytes, size);
    assert.equal(body.sha256, createHash('sha256').update(content).digest('hex'));
  });

  test('all checkpoints are listed, in pages, by agent and by label', async () => {
    const list = async (query: string) => (await http.get(`/v1/checkpoints?${query}`).expect(200)).body;
    const { body: own } = await http.get(`${agent}/checkpoints`).expect(200);
    const id = agent.split('/').at(-1);
    assert.deepEqual((await list(`agent_id=${id}`)).data, own.data);
    assert.equal(own.data.length, 2);
    const first = await list(`agent_id=${id}&page_size=1`);
    assert.deepEqual([first.data, first.has_more], [own.data.slice(0, 1), true]);
    const second = await list(`agent_id=${id}&page_size=1&page_token=${first.next_page_token}`);
    assert.deepEqual([second.data, second.has_more], [own.data.slice(1), false]);
    assert.deepEqual((await list('page_size=2')).data, own.data);
    assert.deepEqual((await list('agent_id=agt_nobody')).data, []);
    assert.deepEqual((await list('label=best:nobody')).data, []);
    await http.get('/v1/checkpoints?page_token=..').expect(400);
    await http.get('/v1/checkpoints?label=nonsense').expect(400);
  });

  test('the content is a safetensors file that says what it is', () => {
    const header = JSON.parse(content.toString('utf8', 8, 8 + Number(content.readBigUInt64LE(0))));
    const { algorithm, spec_id } = JSON.parse(header.__metadata__.gymserve);
    assert.deepEqual({ algorithm, spec_id }, { algorithm: NEW_AGENT.algorithm, spec_id: NEW_AGENT.spec_id });
  });

  test('the content carries its digest and a file name', async () => {
    const { headers } = await http.get(`${path}/content`).expect(200);
    const digest = createHash('sha256').update(content);
    assert.equal(headers['repr-digest'], `sha-256=:${digest.copy().digest('base64')}:`);
    assert.equal(headers.etag, `"${digest.digest('hex')}"`);
    assert.equal(headers['content-length'], `${size}`);
    assert.match(String(headers['content-disposition']), /^attachment; filename="ckpt_\w+\.safetensors"$/);
  });

  for (const [range, first, last] of [
    ['bytes=0-9', 0, 10],
    ['bytes=250-', 250, undefined],
    ['bytes=-3', -3, undefined],
    ['bytes=200-99999999', 200, undefined],
    ['bytes=-99999999999999999999', 0, undefined],
  ] as const) {
    test(`${range} is that part`, async () => {
      const { headers, body } = await http.get(`${path}/content`).set('range', range).expect(206);
      const part = content.subarray(first, last);
      assert.deepEqual(body, part);
      const begin = part.byteOffset - content.byteOffset;
      assert.equal(headers['content-range'], `bytes ${begin}-${begin + part.length - 1}/${size}`);
      assert.equal(headers['content-length'], String(part.length));
    });
  }

  test('two parts make the whole', async () => {
    const [head, tail] = await Promise.all(
      ['bytes=0-999', 'bytes=1000-'].map((range) => http.get(`${path}/content`).set('range', range).expect(206)),
    );
    assert.deepEqual(Buffer.concat([head?.body, tail?.body]), content);
  });

  for (const range of ['bytes=99999999-', 'bytes=-0', 'bytes=99999999999999999999999-']) {
    test(`${range} is beyond the end`, async () => {
      const { body } = await http.get(`${path}/content`).set('range', range).expect(416);
      assert.equal(body.code, 'range_not_satisfiable');
      assert.match(body.detail, new RegExp(`${size} bytes`));
    });
  }

  for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=9-3', 'bytes=-', 'bytes=abc']) {
    test(`${range} is ignored`, async () => {
      await http.get(`${path}/content`).set('range', range).expect(200);
    });
  }

  test('what the client has is not sent again, and a stale part is not continued', async () => {
    const { headers } = await http.get(`${path}/content`).expect(200);
    const etag = String(headers.etag);
    const same = await http.get(`${path}/content`).set('if-none-match', `"other", W/${etag}`).expect(304);
    assert.equal(same.headers.etag, etag);
    await http.get(`${path}/content`).set({ range: 'bytes=1-', 'if-range': etag }).expect(206);
    await http.get(`${path}/content`).set({ range: 'bytes=1-', 'if-range': '"other"' }).expect(200);
  });

  test('one that an agent stands on stays', async () => {
    const { body } = await http.get(agent).expect(200);
    const refused = await http.delete(`/v1/checkpoints/${body.checkpoint_id}`).expect(409);
    assert.equal(refused.body.code, 'checkpoint_in_use');
    assert.match(refused.body.detail, /restore another one first/);
  });

  test('deletion leaves nothing', async () => {
    await http.delete(path).expect(204);
    await http.get(path).expect(404);
    await http.get(`${path}/content`).expect(404);
  });
}
