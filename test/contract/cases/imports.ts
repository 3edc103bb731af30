import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/safetensors.ts';
import { mutated } from '../../support/malformed.ts';
import { NEW_AGENT, pipeline, type RealContext } from '../../support/real-servers.ts';
import { freshSeed } from '../../support/seed.ts';

const BINARY = 'application/octet-stream';
const MUTATIONS = 300;

type Document = Readonly<Record<string, unknown>> & { readonly format_version: number };
type Content = { readonly document: Document; readonly tensors: ReturnType<typeof decodeSafetensors>['tensors'] };

/** Checkpoints that come from another server, and replays that are downloaded. */
export function importCases({ http, start, dataDir, url, recorded }: RealContext): void {
  let agent = '';
  let checkpoint = '';
  let content = Buffer.alloc(0);
  const send = (bytes: Uint8Array, client = http) =>
    client.post('/v1/checkpoints').set('content-type', BINARY).send(Buffer.from(bytes));
  const changed = (change: (content: Content) => { document?: object; tensors?: object }): Uint8Array => {
    const decoded = decodeSafetensors(content, { what: 'checkpoint', version: 2 });
    const { document, tensors } = { ...decoded, ...change(decoded) };
    return encodeSafetensors(document as Document, tensors as Content['tensors']);
  };

  before(async () => {
    agent = `/v1/agents/${(await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body.id}`;
    const job = (await http.post(`${agent}/train`).send({ total_timesteps: 120 }).expect(202)).body;
    assert.equal((await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.state, 'succeeded');
    checkpoint = (await http.get(agent).expect(200)).body.checkpoint_id;
    content = (await http.get(`/v1/checkpoints/${checkpoint}/content`).expect(200)).body;
  });

  test('what one server exports another imports, and the agents of both are the same', async (t) => {
    const other = await start();
    t.after(other.close);
    const digest = createHash('sha256').update(content).digest('base64');
    const { body, headers } = await send(content, other.http).set('repr-digest', `sha-256=:${digest}:`).expect(201);
    assert.equal(headers.location, `/v1/checkpoints/${body.id}`);
    assert.equal(body.agent_id, null);
    assert.equal(body.timesteps, 120);
    assert.equal(body.sha256, createHash('sha256').update(content).digest('hex'));
    const copy = (await other.http.post('/v1/agents').send({ from_checkpoint_id: body.id, seed: 1 }).expect(201)).body;
    const original = (await http.get(agent).expect(200)).body;
    for (const field of ['algorithm', 'spec_id', 'observation_space', 'action_space', 'hyperparameters', 'timesteps'])
      assert.deepEqual(copy[field], original[field], field);
    const observations = Array.from({ length: 50 }, (_, i) => [Math.cos(i), Math.sin(i), i / 10 - 2]);
    const asked = { observations, deterministic: true };
    const act = async (client: typeof http, id: string) =>
      (await client.post(`${id}/act`).send(asked).expect(200)).body;
    assert.deepEqual(await act(other.http, `/v1/agents/${copy.id}`), await act(http, agent));
    const onnx = async (client: typeof http, id: string) => {
      const file: Buffer = (await client.get(`${id}/policy.onnx`).expect(200)).body;
      // It names the agent and the checkpoint, whose ids differ and are of one length.
      return createHash('sha256')
        .update(file.toString('latin1').replace(/(agt|ckpt)_[0-9a-z]{26}/g, '$1'))
        .digest('hex');
    };
    assert.equal(await onnx(other.http, `/v1/agents/${copy.id}`), await onnx(http, agent));
    const job = (await other.http.post(`/v1/agents/${copy.id}/train`).send({ total_timesteps: 60 }).expect(202)).body;
    assert.equal((await other.http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200)).body.state, 'succeeded');
    await other.http.delete(`/v1/checkpoints/${body.id}`).expect(204);
  });

  test('an imported checkpoint is of no agent', async () => {
    const { body } = await send(content).expect(201);
    for (const [call, sent] of [
      ['restore', { checkpoint_id: body.id }],
      ['evaluate', { checkpoint_id: body.id, episodes: 1 }],
    ] as const) {
      const refused = (await http.post(`${agent}/${call}`).send(sent).expect(422)).body;
      assert.equal(refused.code, 'checkpoint_incompatible');
      assert.match(refused.detail, /was imported and belongs to no agent/);
    }
    assert.equal((await http.get(`/v1/checkpoints/${body.id}/replay`).expect(404)).body.code, 'replay_not_found');
    assert.deepEqual((await http.get(`/v1/checkpoints/${body.id}/content`).expect(200)).body, content);
    await http.delete(`/v1/checkpoints/${body.id}`).expect(204);
  });

  test('a file that is sent again under one key is imported once, and found where its answer was lost', async () => {
    const keyed = (key: string, bytes: Uint8Array) => send(bytes).set('idempotency-key', key);
    const newest = async (query: string) => (await http.get(`/v1/checkpoints?${query}`).expect(200)).body;
    const first = await keyed('k-import', content).expect(201);
    const again = await keyed('k-import', content).expect(201);
    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.headers.location, first.headers.location);
    assert.deepEqual(again.body, first.body);
    assert.deepEqual((await newest('page_size=1')).data, [first.body]);
    // One bit of a weight: a file of the same length that would be taken too.
    const other = Buffer.from(content);
    other[other.length - 4] = (other.at(-4) ?? 0) ^ 1;
    const refused = (await keyed('k-import', other).expect(422)).body;
    assert.equal(refused.code, 'idempotency_key_reused');
    assert.match(refused.detail, /came with another body/);

    const head = `POST /v1/checkpoints HTTP/1.1\r\nhost: localhost\r\nidempotency-key: k-twice\r\ncontent-type: ${BINARY}\r\n`;
    const request = Buffer.concat([Buffer.from(`${head}content-length: ${content.length}\r\n\r\n`), content]);
    const answers = await pipeline(url, Buffer.concat([request, request]), 2);
    for (const answer of answers) recorded.record('POST', '/v1/checkpoints', answer);
    const taken = answers.find(({ status }) => status === 201);
    const second = answers.find(({ status }) => status === 409);
    assert.equal(JSON.parse(second?.text ?? '{}').code, 'idempotency_key_in_flight');
    const ids = [JSON.parse(taken?.text ?? '{}').id, first.body.id];
    assert.deepEqual(
      (await newest('page_size=2')).data.map(({ id }: { id: string }) => id),
      ids,
    );
    for (const id of ids) await http.delete(`/v1/checkpoints/${id}`).expect(204);
    // What failed keeps no key.
    await keyed('k-failed-import', Buffer.from('no file')).expect(422);
    const { body } = await keyed('k-failed-import', content).expect(201);
    await http.delete(`/v1/checkpoints/${body.id}`).expect(204);
  });

  test('a digest that the bytes do not have is refused, and one that cannot be read', async () => {
    const digest = createHash('sha256').update('another').digest('base64');
    for (const header of ['repr-digest', 'content-digest']) {
      const { body } = await send(content).set(header, `sha-256=:${digest}:`).expect(422);
      assert.equal(body.code, 'checkpoint_corrupt');
      assert.match(body.detail, /changed on the way: send it again/);
      await send(content).set(header, 'sha-256=nonsense').expect(400);
    }
    const right = createHash('sha256').update(content).digest('base64');
    await send(content)
      .set({ 'repr-digest': `sha-256=:${right}:`, 'content-digest': `sha-256=:${digest}:` })
      .expect(400);
  });

  const firstOf = ({ tensors }: Content) => {
    const [name = '', tensor] = Object.entries(tensors).find(([key]) => key.startsWith('actor')) ?? [];
    assert.ok(tensor);
    return { name, tensor };
  };
  const described = (change: object) => (found: Content) => ({ document: { ...found.document, ...change } });
  for (const [what, change, detail] of [
    ['another format', described({ format_version: 99 }), /format version 99/],
    ['a snapshot', described({ kind: 'environment' }), /"kind" is "environment"/],
    ['an unknown algorithm', described({ algorithm: 'sca' }), /no algorithm "sca"/],
    ['an algorithm that is a list', described({ algorithm: [] }), /"algorithm" is \[\]/],
    ['an unknown environment', described({ spec_id: 'Pendulum-v9' }), /Pendulum-v9/],
    ['another environment', described({ spec_id: 'HalfCheetah-v5' }), /instead of float32 \[/],
    ['other spaces', described({ observation_space: {} }), /spaces are not those of Pendulum-v1/],
    ['other kwargs', described({ env_kwargs: { nonsense: 1 } }), /"nonsense"/],
    ['kwargs that are a list', described({ env_kwargs: [1] }), /"env_kwargs" is \[1\]/],
    ['a negative count', described({ timesteps: -1 }), /"timesteps" is -1/],
    [
      'other hidden sizes',
      described({ hyperparameters: { hidden_sizes: [17] } }),
      /instead of|missing|which such an agent/,
    ],
    ['hidden sizes without end', described({ hyperparameters: { hidden_sizes: [1e9] } }), /hidden_sizes/],
    [
      'spaces without end',
      described({
        spec_id: null,
        observation_space: { type: 'Box', dtype: 'float32', shape: [1e15], low: 0, high: 1 },
      }),
      /65536 numbers/,
    ],
    ['no spaces at all', described({ spec_id: null, observation_space: undefined }), /must be a Box.*missing/],
    [
      'a tensor too many',
      (found: Content) => ({ tensors: { ...found.tensors, stray: firstOf(found).tensor } }),
      /it has a tensor "stray"/,
    ],
    [
      'a tensor too few',
      (found: Content) => {
        const { [firstOf(found).name]: _, ...tensors } = found.tensors;
        return { tensors };
      },
      /the tensor "actor.*" is missing/,
    ],
    [
      'a NaN',
      (found: Content) => {
        const { name, tensor } = firstOf(found);
        return {
          tensors: {
            ...found.tensors,
            [name]: { ...tensor, data: new Float32Array(tensor.data.length).fill(Number.NaN) },
          },
        };
      },
      /holds NaN or infinities/,
    ],
  ] as const) {
    test(`a file with ${what} is refused`, async () => {
      const { body } = await send(changed(change)).expect(422);
      assert.match(body.detail, detail);
    });
  }

  test(`${MUTATIONS} files with something wrong are refused or harmless, and none is a fault of the server`, async (t) => {
    const rng = Pcg64.fromSeed(freshSeed(t));
    const head = 8 + Number(content.readBigUInt64LE(0));
    let refused = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      // Half of them in the header, where more can go wrong.
      const bytes =
        i % 2 === 0
          ? mutated(rng, content)
          : Buffer.concat([mutated(rng, content.subarray(0, head)), content.subarray(head)]);
      const { status, body } = await send(bytes);
      assert.ok(status === 201 || (status >= 400 && status < 500), `${status} ${JSON.stringify(body)}`);
      if (status !== 201) refused++;
      else await http.delete(`/v1/checkpoints/${body.id}`).expect(204);
    }
    assert.ok(refused > MUTATIONS / 3, `${refused} were refused`);
    await http
      .post(`${agent}/act`)
      .send({ observation: [1, 0, 0] })
      .expect(200);
  });

  test('the replay is one file with all transitions, in parts too', async () => {
    const path = `/v1/checkpoints/${checkpoint}/replay`;
    const { body: file, headers } = await http.get(path).expect(200);
    assert.equal(headers['repr-digest'], `sha-256=:${createHash('sha256').update(file).digest('base64')}:`);
    assert.equal(headers['content-length'], `${file.length}`);
    const { document, tensors } = decodeSafetensors(file, { what: 'replay', version: 1 });
    assert.equal(document['kind'], 'replay');
    // Observation, action, reward, end.
    assert.deepEqual(tensors['rows']?.shape, [120, 3 + 1 + 2]);
    const row = Array.from(tensors['rows']?.data ?? [], Number).slice(0, 6);
    assert.ok(Math.abs(Math.hypot(row[0] ?? 0, row[1] ?? 0) - 1) < 1e-6, 'cosine and sine of an angle');
    assert.ok(Math.abs(row[3] ?? 9) <= 1 && (row[4] ?? 1) <= 0);
    assert.deepEqual(Array.from(tensors['lanes']?.data ?? [], Number), [120, 120, 0, 0]);
    const middle = await http.get(path).set('range', 'bytes=7-1999').expect(206);
    assert.deepEqual(middle.body, file.subarray(7, 2000));
    assert.equal(middle.headers['content-range'], `bytes 7-1999/${file.length}`);
    await http.get(path).set('if-none-match', String(headers.etag)).expect(304);
    await http.get(path).set('range', `bytes=${file.length}-`).expect(416);
  });

  test('a checkpoint from before any learning has no replay, nor has one that plans', async () => {
    const fresh = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const { body } = await http.get(`/v1/checkpoints/${fresh.checkpoint_id}/replay`).expect(404);
    assert.equal(body.code, 'replay_not_found');
  });

  test('a replay of which a part is gone is said to be damaged', async () => {
    const plan = { total_timesteps: 70 };
    const { id } = (
      await http
        .post('/v1/agents')
        .send({ ...NEW_AGENT, seed: 77 })
        .expect(201)
    ).body;
    const blobs = join(dataDir, 'blobs');
    const before = new Set(readdirSync(blobs));
    const job = (await http.post(`/v1/agents/${id}/train`).send(plan).expect(202)).body;
    await http.get(`/v1/jobs/${job.id}?wait=60s`).expect(200);
    const path = `/v1/checkpoints/${(await http.get(`/v1/agents/${id}`).expect(200)).body.checkpoint_id}/replay`;
    const file: Buffer = (await http.get(path).expect(200)).body;
    // The only new file of about the size of the rows.
    const segment = readdirSync(blobs).find((name) => {
      const { size } = statSync(join(blobs, name));
      return !before.has(name) && size > 70 * 24 && size < file.length;
    });
    assert.ok(segment);
    renameSync(join(blobs, segment), join(blobs, 'aside'));
    try {
      const { body } = await http.get(path).expect(422);
      assert.equal(body.code, 'checkpoint_corrupt');
      assert.match(body.detail, /segment learner\/replay\/rows\/0\) is missing/);
    } finally {
      renameSync(join(blobs, 'aside'), join(blobs, segment));
    }
  });
}
