import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { decodeSafetensors, encodeSafetensors } from '../../../src/safetensors.ts';
import { pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

const FORMAT = { what: 'snapshot', version: 1 };

export function snapshotCases({ http, url, recorded }: RealContext): void {
  const create = async (wanted: object): Promise<string> =>
    `/v1/environments/${(await http.post('/v1/environments').send(wanted).expect(201)).body.id}`;
  const download = async (path: string): Promise<Buffer> => (await http.get(`${path}/state`).expect(200)).body;
  const upload = (path: string, file: Uint8Array, status: number) =>
    http.put(`${path}/state`).set('content-type', 'application/octet-stream').send(Buffer.from(file)).expect(status);
  /** Everything that a client sees of `steps` steps with sampled actions, but for `seq`. */
  const play = async (path: string, steps: number) => {
    const seen: unknown[] = [];
    for (let i = 0; i < steps; i++) {
      const { body: sampled } = await http.post(`${path}/action-space/sample`).expect(200);
      const { seq: _, ...body } = (await http.post(`${path}/step`).send(sampled).expect(200)).body;
      seen.push(sampled, body);
      if (body.terminated || body.truncated) {
        const { seq: __, ...begun } = (await http.post(`${path}/reset`).expect(200)).body;
        seen.push(begun);
      }
    }
    return seen;
  };
  let path = '';
  beforeEach(async () => {
    path = await create({ spec_id: SPEC, seed: 7, max_episode_steps: 5 });
  });

  test('the file says what it is, and carries its digest and a name', async () => {
    await http.post(`${path}/reset`).expect(200);
    await play(path, 2);
    const { body, headers } = await http.get(`${path}/state`).expect(200);
    const digest = createHash('sha256').update(body);
    assert.equal(headers['repr-digest'], `sha-256=:${digest.copy().digest('base64')}:`);
    assert.equal(headers.etag, `"${digest.digest('hex')}"`);
    assert.match(String(headers['content-disposition']), /^attachment; filename="env_\w+\.safetensors"$/);
    const { document, tensors } = decodeSafetensors(body, FORMAT);
    const { episode_return, ...rest } = document;
    assert.ok(Number(episode_return) < 0);
    assert.deepEqual(rest, {
      format_version: 1,
      kind: 'environment',
      spec_id: SPEC,
      num_envs: null,
      autoreset_mode: null,
      max_episode_steps: 5,
      kwargs: { g: 10 },
      wrappers: [],
      episode_step: 2,
      needs_reset: false,
      next_reset_seed: null,
    });
    assert.ok('observation' in tensors && 'sampler/pcg64' in tensors);
  });

  test('a restored environment goes on as it did, and the count of calls goes on too', async () => {
    await http.post(`${path}/reset`).expect(200);
    await play(path, 3);
    const file = await download(path);
    const { body: before } = await http.get(path).expect(200);
    const onward = await play(path, 12);
    const { seq } = (await http.get(path).expect(200)).body;
    const { body: restored } = await upload(path, file, 200);
    assert.deepEqual(
      [restored.episode_step, restored.episode_return, restored.needs_reset, restored.seq],
      [before.episode_step, before.episode_return, false, seq + 1],
    );
    assert.deepEqual(await download(path), file);
    const stale = await http
      .post(`${path}/step`)
      .send({ action: [0], seq: before.seq + 1 })
      .expect(409);
    assert.equal(stale.body.code, 'sequence_mismatch');
    assert.match(stale.body.detail, new RegExp(`send ${seq + 2} for the next step\\.`));
    assert.deepEqual(await play(path, 12), onward);
    // Another one, of defaults written out.
    const other = await create({ spec_id: SPEC, kwargs: { g: 10 }, max_episode_steps: 5, render_mode: 'rgb_array' });
    await upload(other, file, 200);
    assert.deepEqual(await play(other, 12), onward);
  });

  test('one that was never reset keeps the seed of its first reset, and one that ended waits for a reset', async () => {
    const fresh = await download(path);
    await http.post(`${path}/reset`).send({ seed: 1 }).expect(200);
    await upload(path, fresh, 200);
    assert.equal((await http.post(`${path}/step`).send({ action: [0] })).body.code, 'reset_required');
    const again = (await http.post(`${path}/reset`).expect(200)).body.observation;
    assert.deepEqual((await http.post(`${path}/reset`).send({ seed: 7 }).expect(200)).body.observation, again);
    for (let i = 0; i < 5; i++)
      await http
        .post(`${path}/step`)
        .send({ action: [0] })
        .expect(200);
    const ended = await download(path);
    await http.post(`${path}/reset`).expect(200);
    assert.equal((await upload(path, ended, 200)).body.needs_reset, true);
    await http
      .post(`${path}/step`)
      .send({ action: [0] })
      .expect(409);
  });

  test('numbers that JSON cannot write come back too', async () => {
    await http
      .post(`${path}/reset`)
      .send({ options: { x_init: 1e308 } })
      .expect(200);
    await http
      .post(`${path}/step`)
      .send({ action: [0] })
      .expect(200);
    const file = await download(path);
    await http.post(`${path}/reset`).expect(200);
    assert.equal((await upload(path, file, 200)).body.episode_return, 'NaN');
    assert.deepEqual(await download(path), file);
  });

  for (const [what, other] of [
    ['spec_id', { spec_id: 'CartPole-v1' }],
    ['kwargs', { kwargs: { g: 9 } }],
    ['wrappers', { wrappers: [{ name: 'ClipAction' }] }],
    ['max_episode_steps', { max_episode_steps: 6 }],
    ['num_envs', { num_envs: 2 }],
  ] as const) {
    test(`a snapshot of other ${what} is refused, and changes nothing`, async () => {
      const target = await create({ ...{ spec_id: SPEC, seed: 7, max_episode_steps: 5 }, ...other });
      await http.post(`${path}/reset`).expect(200);
      await http.post(`${target}/reset`).expect(200);
      const before = await download(target);
      const { body } = await upload(target, await download(path), 422);
      assert.equal(body.code, 'checkpoint_incompatible');
      assert.match(body.detail, new RegExp(`environment with ${what} .*, and this one has .*; restore it into one`));
      assert.deepEqual(await download(target), before);
    });
  }

  test('a vector environment refuses one of another number or mode, and comes back whole', async () => {
    const wanted = { spec_id: SPEC, num_envs: 3, seed: 1, max_episode_steps: 4, autoreset_mode: 'Disabled' };
    const vector = await create(wanted);
    await http.post(`${vector}/reset`).expect(200);
    const step = async () => {
      const { body: sampled } = await http.post(`${vector}/action-space/sample`).expect(200);
      const { seq: _, ...body } = (await http.post(`${vector}/step`).send(sampled).expect(200)).body;
      return body;
    };
    await step();
    const file = await download(vector);
    const onward = [await step(), await step(), await step()];
    assert.equal((await http.get(vector).expect(200)).body.needs_reset, true);
    assert.equal((await upload(vector, file, 200)).body.needs_reset, false);
    assert.deepEqual([await step(), await step(), await step()], onward);
    assert.match((await upload(path, file, 422)).body.detail, /with num_envs 3, and this one has null/);
    const other = await create({ ...wanted, autoreset_mode: 'SameStep' });
    assert.match((await upload(other, file, 422)).body.detail, /autoreset_mode "Disabled"/);
  });

  test('hostile bytes are refused with a code, and change nothing', async () => {
    await http.post(`${path}/reset`).expect(200);
    const file = await download(path);
    const { document, tensors } = decodeSafetensors(file, FORMAT);
    const text = (header: unknown) => {
      const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(json.length));
      return Buffer.concat([length, json]);
    };
    const huge = Buffer.alloc(8, 0xff);
    const changed = (change: object) => encodeSafetensors({ ...document, ...change }, tensors);
    const tensor = (name: string, data: Float64Array | Float32Array | Uint8Array | Int32Array) =>
      encodeSafetensors(document, { ...tensors, [name]: { shape: [data.length], data } });
    const metadata = JSON.stringify({ gymserve: JSON.stringify(document) });
    const cases: readonly [string, Uint8Array, RegExp][] = [
      ['nothing', Buffer.alloc(0), /0 bytes/],
      ['a huge header', huge, /claims 18446744073709551615/],
      ['half of it', file.subarray(0, file.length / 2), /./],
      ['one byte less', file.subarray(0, -1), /claims bytes/],
      ['one byte more', Buffer.concat([file, Buffer.alloc(1)]), /1 bytes belong to no tensor/],
      ['no document', text({ __metadata__: {} }), /no "gymserve" document/],
      ['a header that is no JSON', text('{'), /not JSON/],
      ['a header of brackets', text('['.repeat(100_000)), /nested/],
      [
        '__proto__',
        text(`{"__metadata__":${metadata},"__proto__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`),
        /__proto__/,
      ],
      [
        'a dtype from a prototype',
        text(`{"__metadata__":${metadata},"x":{"dtype":"constructor","shape":[],"data_offsets":[0,0]}}`),
        /dtype/,
      ],
      [
        'a shape without end',
        text(
          `{"__metadata__":${metadata},"x":{"dtype":"U8","shape":[9007199254740991,9007199254740991],"data_offsets":[0,9007199254740991]}}`,
        ),
        /claims bytes/,
      ],
      ['another format', changed({ format_version: 99 }), /format version 99/],
      ['another kind', changed({ kind: 'model' }), /kind "model"/],
      ['steps below zero', changed({ episode_step: -1 }), /episode_step is -1/],
      ['a return that is none', changed({ episode_return: 'much' }), /episode_return is "much"/],
      ['a stray tensor', tensor('env/env/env/more', new Uint8Array(1)), /no place for the tensor/],
      ['a stray tensor beside', tensor('more', new Uint8Array(1)), /no place for the tensor "more"/],
      ['a tensor of another dtype', tensor('env/env/env/state', new Float32Array(2)), /Float32Array/],
      ['a tensor of another size', tensor('env/env/env/state', new Float64Array(3)), /3 elements, not 2/],
      ['a phase that there is not', tensor('env/phase', Uint8Array.of(3)), /phase is 3/],
      ['steps beyond the limit', tensor('env/env/elapsed_steps', Int32Array.of(6)), /elapsed_steps is 6/],
      ['an observation of another size', tensor('observation', new Float32Array(4)), /4 elements, not 3/],
    ];
    for (const [what, bytes, message] of cases) {
      const { body } = await upload(path, bytes, 422);
      assert.match(body.code, /^checkpoint_(corrupt|incompatible)$/, what);
      assert.match(body.detail, message, what);
      assert.deepEqual(await download(path), file, what);
    }
    const robot = await create({ spec_id: 'HalfCheetah-v5', seed: 1 });
    await http.post(`${robot}/reset`).expect(200);
    const sound = await download(robot);
    const { document: of, tensors: parts } = decodeSafetensors(sound, FORMAT);
    const physics = parts['env/env/env/physics']?.data as Float64Array;
    physics[3] = Number.NaN;
    assert.match((await upload(robot, encodeSafetensors(of, parts), 422)).body.detail, /not finite/);
    assert.deepEqual(await download(robot), sound);
  });

  test('both wait their turn, and find nothing where nothing is left', async () => {
    await http.post(`${path}/reset`).expect(200);
    const one = rawRequest('POST', `${path}/action-space/sample`, '{}');
    const put = `PUT ${path}/state HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: 1\r\n\r\nx`;
    for (const [method, request] of [
      ['GET', rawRequest('GET', `${path}/state`)],
      ['PUT', put],
    ] as const) {
      const [refused] = (await pipeline(url, one.repeat(32) + request, 33)).slice(-1);
      assert.equal(refused?.status, 429);
      recorded.record(method, `${path}/state`, refused);
    }
    await http.delete(path).expect(204);
    await http.get(`${path}/state`).expect(410);
    await upload(path, Buffer.from('x'), 410);
  });
}
