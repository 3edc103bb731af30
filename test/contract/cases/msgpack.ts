import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { listed, postPacked, tensor, type WireTensor } from '../../support/msgpack-client.ts';
import { NEW_AGENT, type RealContext, SPEC } from '../../support/real-servers.ts';
import { freshSeed } from '../../support/seed.ts';

export function msgpackCases(context: RealContext): void {
  const { http, url, recorded } = context;
  const make = async (more: object = {}): Promise<string> => {
    const { body } = await http
      .post('/v1/environments')
      .send({ spec_id: SPEC, seed: 7, ...more })
      .expect(201);
    return `/v1/environments/${body.id}`;
  };
  const ok = async (path: string, body: object = {}) => {
    const answer = await postPacked(context, path, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  /** Tensors as JSON has them. */
  const plain = (value: unknown, name = ''): unknown => {
    if (Array.isArray(value)) return value.map((part) => plain(part));
    if (typeof value !== 'object' || value === null) return value;
    const isTensor = 'data' in value && value.data instanceof Uint8Array;
    if (isTensor) {
      const list = listed(value as unknown as WireTensor);
      const isFlags = (value as unknown as WireTensor).dtype === 'bool';
      return isFlags ? (list as number[]).map(Boolean) : list;
    }
    if (name === 'info') return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part, key)]));
  };

  for (const [what, spec, more] of [
    ['a Box', SPEC, {}],
    ['float32 observations', 'CartPole-v1', {}],
    ['Discrete observations', 'Taxi-v4', {}],
    ['a vector', SPEC, { num_envs: 3, max_episode_steps: 2 }],
    ['a vector of Discrete', 'FrozenLake-v1', { num_envs: 3 }],
  ] as const) {
    test(`${what}: MessagePack says what JSON says`, async () => {
      const [packed, text] = [await make({ spec_id: spec, ...more }), await make({ spec_id: spec, ...more })];
      const both = async (call: string, body: object, json: object = body) =>
        assert.deepEqual(
          plain(await ok(`${packed}/${call}`, body)),
          (await http.post(`${text}/${call}`).send(json).expect(200)).body,
        );
      await both('reset', {});
      for (let step = 0; step < 3; step++) {
        const sampled = await ok(`${packed}/action-space/sample`);
        const json = plain(sampled) as object;
        assert.deepEqual((await http.post(`${text}/action-space/sample`).expect(200)).body, json);
        await both('step', sampled, json);
        await both('step', json);
      }
      if (!('num_envs' in more)) {
        await both('rollout', { steps: 5, infos: true });
        const { actions } = (await ok(`${packed}/rollout`, { steps: 4 })) as unknown as { actions: WireTensor };
        await http.post(`${text}/rollout`).send({ steps: 4 }).expect(200);
        await both('rollout', { actions }, { actions: listed(actions) });
      }
    });
  }

  test('an agent acts the same', async () => {
    const { id } = (await http.post('/v1/agents').send(NEW_AGENT).expect(201)).body;
    const observations = [0.1, 0.2, 0.3, -0.4, 0.5, 0.6].map(Math.fround);
    const path = `/v1/agents/${id}/act`;
    const json = async (body: object) => (await http.post(path).send(body).expect(200)).body;
    const [first, second] = [observations.slice(0, 3), observations.slice(3)];
    const act = { deterministic: true };
    assert.deepEqual(
      plain(await ok(path, { observations: tensor([2, 3], observations), ...act })),
      await json({ observations: [first, second], ...act }),
    );
    assert.deepEqual(
      plain(await ok(path, { observation: tensor([3], first), ...act })),
      await json({ observation: first, ...act }),
    );
  });

  test("numpy's other dtypes are cast as lists are", async () => {
    const path = await make({ spec_id: 'CartPole-v1' });
    await ok(`${path}/reset`);
    for (const [dtype, data] of [
      ['int64', new BigInt64Array([1n])],
      ['int32', new Int32Array([1])],
      ['uint8', new Uint8Array([1])],
      ['bool', new Uint8Array([1])],
      ['float64', new Float64Array([1])],
    ] as const) {
      await ok(`${path}/step`, { action: { dtype, shape: [], data: new Uint8Array(data.buffer) } });
    }
    await ok(`${path}/step`, { action: 1 });
  });

  test('what diverges is NaN, not a string', async () => {
    const path = await make({ wrappers: [{ name: 'TransformReward', kwargs: { scale: 1e308, shift: -1e308 } }] });
    await ok(`${path}/reset`);
    for (let step = 0; step < 3; step++) {
      const { reward } = (await ok(`${path}/step`, { action: [2] })) as unknown as { reward: number };
      assert.equal(typeof reward, 'number');
    }
  });

  const bare = (action: unknown) => ({ action });
  for (const [what, body, status, detail] of [
    ['another shape', bare(tensor([2], [0, 0])), 422, /float32 with shape \[2\], not with shape \[1\]/],
    ['a scalar', bare(tensor([], [0])), 422, /with shape \[\]/],
    ['NaN in a tensor', bare(tensor([1], [Number.NaN])), 422, /not finite/],
    ['NaN in a list', bare([Number.NaN]), 422, /not finite/],
    ['an infinite number', bare(Number.POSITIVE_INFINITY), 422, /Infinity/],
    [
      'another dtype',
      bare({ ...tensor([1], [0]), dtype: 'complex64' }),
      400,
      /"action\.dtype" is "complex64".*one of bool/,
    ],
    ['a dtype that is no name', bare({ ...tensor([1], [0]), dtype: 7 }), 400, /"action\.dtype" is 7/],
    ['the name of a prototype', bare({ ...tensor([1], [0]), dtype: 'toString' }), 400, /must be one of/],
    [
      'too few bytes',
      bare({ ...tensor([1], [0]), data: new Uint8Array(3) }),
      400,
      /has 3 bytes; float32 of shape \[1\] takes 4/,
    ],
    ['a shape that overflows', bare({ ...tensor([1], [0]), shape: [2 ** 40, 2 ** 40] }), 400, /takes/],
    ['a negative shape', bare({ ...tensor([1], [0]), shape: [-1] }), 400, /list of at most 8 lengths/],
    ['a shape that is no list', bare({ ...tensor([1], [0]), shape: 1 }), 400, /list of at most 8 lengths/],
    ['a bool of 2', bare({ dtype: 'bool', shape: [1], data: Uint8Array.of(2) }), 400, /neither 0 nor 1/],
    ['a stray field', bare({ ...tensor([1], [0]), order: 'F' }), 400, /"action\.order"/],
    ['no data', bare({ dtype: 'float32', shape: [1] }), 400, /"action\.data" must be bytes/],
    ['data as a list', bare({ dtype: 'float32', shape: [1], data: [0] }), 400, /"action\.data" must be bytes/],
    ['bytes alone', bare(new Uint8Array(4)), 400, /"action" is 4 bytes/],
    ['a tensor in a list', bare([tensor([1], [0])]), 400, /bytes, which stand only/],
    ['bytes elsewhere', { action: [0], seq: new Uint8Array(1) }, 400, /"seq" is 1 bytes/],
    ['an unknown field', { action: [0], nonsense: 1 }, 400, /"nonsense"/],
    ['a list', [1], 400, /an object/],
    ['constructor', { action: [0], constructor: 1 }, 400, /constructor/],
  ] as const) {
    test(`${what} is no step`, async () => {
      const path = await make();
      await ok(`${path}/reset`);
      const answer = await postPacked(context, `${path}/step`, body as object);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.match(String(answer.body['detail']), detail);
    });
  }

  for (const [what, bytes, detail] of [
    ['half a value', Uint8Array.of(0x81, 0xa1, 0x61, 0xcb, 0), /ends in the middle/],
    ['a value and more', Uint8Array.of(0x80, 0x80), /goes on for 1 bytes/],
    ['a promise of four billion values', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff), /promises more values/],
    ['a map with a number for a key', Uint8Array.of(0x81, 0x01, 0x01), /key that is no string/],
    ['a time', Uint8Array.of(0x81, 0xa1, 0x61, 0xd6, 0xff, 0, 0, 0, 0), /extension type/],
    ['a string that is no UTF-8', Uint8Array.of(0x81, 0xa1, 0xff, 0x01), /not valid UTF-8/],
    ['a byte that begins nothing', Uint8Array.of(0xc1), /0xc1/],
    ['__proto__', encode(JSON.parse('{"__proto__":{"seq":1}}')), /field "__proto__", which no object may have/],
    ['a hundred levels', Uint8Array.from([...new Array<number>(100).fill(0x91), 0xc0]), /more than 64 levels/],
  ] as const) {
    test(`${what} is no message`, async () => {
      const path = await make();
      const { status, body } = await postPacked(context, `${path}/step`, bytes);
      assert.equal(status, 400);
      assert.match(String(body['detail']), detail);
    });
  }

  test('an empty message means {}', async () => {
    const path = await make();
    assert.equal((await postPacked(context, `${path}/reset`, new Uint8Array(0))).status, 200);
  });

  test('what has no tensors takes and gives JSON alone', async () => {
    const taken = await postPacked(context, '/v1/environments', { spec_id: SPEC }, { accept: 'application/json' });
    assert.equal(taken.status, 415);
    assert.match(String(taken.body['detail']), /"application\/msgpack"; send the body as application\/json/);
    await http.get('/v1/environments').set('accept', 'application/msgpack').expect(406);
  });

  test('what is sent and what is accepted are two things', async () => {
    const path = await make();
    const packed = await postPacked(context, `${path}/reset`, {}, { accept: 'application/json' });
    assert.ok(Array.isArray(packed.body['observation']));
    const both = await fetch(`${url}${path}/step`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json;q=0.5, application/msgpack' },
      body: '{"action":[0.5]}',
    });
    assert.equal(both.headers.get('content-type'), 'application/msgpack');
    await both.arrayBuffer();
  });

  test('compressed messages are not read', async () => {
    const { status } = await postPacked(context, `${await make()}/reset`, {}, { 'content-encoding': 'gzip' });
    assert.equal(status, 415);
  });

  test('a message that is too large is refused', async () => {
    const { status } = await postPacked(context, `${await make()}/step`, { action: new Uint8Array(1 << 20) });
    assert.equal(status, 413);
  });

  test('thousands of broken messages are refused, every one, and the server goes on', {
    timeout: 300_000,
  }, async (t) => {
    const path = await make();
    await ok(`${path}/reset`);
    const whole = encode({ action: tensor([1], [0.5]), seq: 7 });
    const seed = freshSeed(t);
    for (const bytes of broken(whole, seed, 2000)) {
      const answer = await fetch(`${url}${path}/step`, {
        method: 'POST',
        headers: { 'content-type': 'application/msgpack' },
        body: bytes as Uint8Array<ArrayBuffer>,
      });
      const text = await answer.text();
      // A change may leave a message whole.
      assert.ok(answer.status < 500, `${Buffer.from(bytes).toString('hex')}: ${text}`);
      recorded.record('POST', `${path}/step`, {
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        text,
      });
    }
    await ok(`${path}/step`, { action: [0] });
  });
}

/** `whole` with bytes changed, cut off, repeated and put in, the same for one seed. */
export function* broken(whole: Uint8Array, seed: number, count: number): Generator<Uint8Array> {
  let state = seed;
  // Park and Miller's generator: all that matters is that a seed repeats.
  const draw = (below: number) => {
    state = (state * 48_271 + 1) % 2_147_483_647;
    return state % below;
  };
  for (let i = 0; i < count; i++) {
    const bytes = [...whole];
    for (let change = draw(3); change >= 0; change--) {
      const at = draw(bytes.length + 1);
      const kind = draw(4);
      if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = draw(256);
      else if (kind === 1) bytes.length = Math.max(1, at);
      else if (kind === 2) bytes.splice(at, 0, draw(256));
      else bytes.push(...bytes.slice(at));
    }
    yield Uint8Array.from(bytes);
  }
}
