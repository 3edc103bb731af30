import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountSmallDisk } from '../../support/full-disk.ts';
import { NEW_AGENT, pipeline, pipelineInTwo, type RealContext, rawRequest } from '../../support/real-servers.ts';

const PATH = '/v1/backups';
/** Of SQLite, where nothing else is asked for. */
const PAGE_BYTES = 4096;

export function backupCases({ http, url, recorded, dataDir, start }: RealContext): void {
  const folder = join(dataDir, 'backups');
  const listed = async (query = '') => (await http.get(`${PATH}${query}`).expect(200)).body;

  test('a backup holds what there is, is listed, and goes when it is deleted', async () => {
    await http.post('/v1/agents').send(NEW_AGENT).expect(201);
    const agents = (await http.get('/v1/server').expect(200)).body.use.agents;
    const { body, headers } = await http.post(PATH).expect(201);
    assert.equal(headers.location, `${PATH}/${body.id}`);
    assert.equal(body.agents, agents);
    assert.ok(body.checkpoints >= agents && body.size_bytes > 0);
    assert.deepEqual(body.damaged, []);
    assert.deepEqual((await http.get(`${PATH}/${body.id}`).expect(200)).body, body);
    assert.deepEqual((await listed()).data[0], body);
    assert.deepEqual(readdirSync(join(folder, body.id)).sort(), ['backup.json', 'blobs', 'gymserve.db']);
    await http.delete(`${PATH}/${body.id}`).expect(204);
    await http.get(`${PATH}/${body.id}`).expect(404);
    assert.ok(!existsSync(join(folder, body.id)));
  });

  test('backups come in pages, newest first', async () => {
    const made = [];
    while (made.length < 3) made.unshift((await http.post(PATH).expect(201)).body.id);
    const first = await listed('?page_size=2');
    assert.deepEqual(
      first.data.map(({ id }: { id: string }) => id),
      made.slice(0, 2),
    );
    assert.equal(first.has_more, true);
    const second = await listed(`?page_size=2&page_token=${first.next_page_token}`);
    assert.equal(second.data[0].id, made[2]);
    await http.get(`${PATH}?page_token=..%2F..`).expect(400);
    for (const id of made) await http.delete(`${PATH}/${id}`).expect(204);
  });

  test('a backup that is asked for again under one key is taken once, and two at once are refused', async () => {
    const keyed = (key: string, body: object) => http.post(PATH).set('idempotency-key', key).send(body);
    const { body } = await keyed('k-backup', {}).expect(201);
    const again = await keyed('k-backup', {}).expect(201);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.body.id, body.id);
    await http.post('/v1/agents').set('idempotency-key', 'k-agent-backup').send(NEW_AGENT).expect(201);
    assert.equal((await keyed('k-agent-backup', {}).expect(422)).body.code, 'idempotency_key_reused');
    const request = rawRequest('POST', PATH, '{}');
    const [first, second] = await pipeline(url, request + request, 2);
    assert.ok(first && second);
    for (const response of [first, second]) recorded.record('POST', PATH, response);
    assert.equal(first.status, 201, first.text);
    assert.equal(JSON.parse(second.text).code, 'backup_running');
    for (const id of [body.id, JSON.parse(first.text).id]) await http.delete(`${PATH}/${id}`).expect(204);
  });

  for (const id of ['..', '..%2F..', '.tmp-x', '%2Fetc', 'bkp_', 'blobs']) {
    test(`no backup is called ${id}, and nothing is deleted for it`, async () => {
      mkdirSync(join(folder, '.tmp-x'), { recursive: true });
      for (const method of ['GET', 'DELETE']) {
        const answer = await fetch(`${url}${PATH}/${id}`, { method });
        assert.ok([404, 405].includes(answer.status), `${answer.status}`);
      }
      assert.ok(existsSync(join(dataDir, 'blobs')) && existsSync(join(folder, '.tmp-x')));
      rmSync(join(folder, '.tmp-x'), { recursive: true });
    });
  }

  test('a file that is missing already is said, and the rest is kept', async () => {
    const agent = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, seed: 77 })
        .expect(201)
    ).body;
    const { sha256 } = (await http.get(`/v1/checkpoints/${agent.checkpoint_id}`).expect(200)).body;
    const [file, aside] = [join(dataDir, 'blobs', sha256), join(dataDir, 'aside')];
    for (const damage of [() => renameSync(file, aside), () => writeFileSync(file, 'half')]) {
      damage();
      const { body } = await http.post(PATH).expect(201);
      assert.deepEqual(body.damaged, [agent.checkpoint_id]);
      assert.ok(readdirSync(join(folder, body.id, 'blobs')).length > 0);
      await http.delete(`${PATH}/${body.id}`).expect(204);
    }
    renameSync(aside, file);
  });

  test('a server that closes takes none, and leaves no part of one', async () => {
    const closing = await start();
    const answered = pipelineInTwo(closing.url, rawRequest('POST', PATH, '{}'), () => closing.close());
    const { status, headers, text } = await answered;
    recorded.record('POST', PATH, { status, headers, text });
    assert.equal(status, 503, text);
    assert.equal(JSON.parse(text).code, 'not_ready');
  });

  test('of a damaged database no backup is kept', async (t) => {
    const server = await start();
    t.after(server.close);
    await server.http.post('/v1/agents').send(NEW_AGENT).expect(201);
    // By now all of the database stands in its main file.
    const sound = (await server.http.post(PATH).expect(201)).body;
    const file = openSync(join(server.dataDir, 'gymserve.db'), 'r+');
    t.after(() => closeSync(file));
    // The second page is of a table or an index; no page of any kind begins like this.
    writeSync(file, Buffer.alloc(PAGE_BYTES, 0xee), 0, PAGE_BYTES, PAGE_BYTES);
    const { body } = await server.http.post(PATH).expect(500);
    assert.equal(body.code, 'backup_failed');
    assert.match(body.detail, /damaged|malformed/);
    assert.deepEqual(readdirSync(join(server.dataDir, 'backups')), [sound.id]);
  });

  test('on a full disk no backup is taken, and nothing of one stays', async (t) => {
    const disk = mountSmallDisk(8 << 20);
    if (disk === null) return t.skip('only root can mount a small disk');
    const server = await start({ dataDir: disk.folder });
    t.after(async () => {
      await server.close();
      disk.unmount();
    });
    await server.http.post('/v1/agents').send(NEW_AGENT).expect(201);
    disk.fill(64 << 10);
    const { body } = await server.http.post(PATH).expect(507);
    assert.equal(body.code, 'disk_full');
    assert.match(body.detail, /free space/);
    const left = join(disk.folder, 'backups');
    assert.deepEqual(existsSync(left) ? readdirSync(left) : [], []);
    disk.clear();
    const taken = (await server.http.post(PATH).expect(201)).body;
    const manifest = JSON.parse(readFileSync(join(disk.folder, 'backups', taken.id, 'backup.json'), 'utf8'));
    assert.equal(manifest.id, taken.id);
  });
}
