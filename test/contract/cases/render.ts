import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { decodePng } from '../../support/png.ts';
import { pipeline, type RealContext, rawRequest, SPEC } from '../../support/real-servers.ts';

export function renderCases({ http, url, recorded }: RealContext): void {
  const create = async (wanted: object): Promise<string> =>
    `/v1/environments/${(await http.post('/v1/environments').send(wanted).expect(201)).body.id}`;
  const picture = async (path: string, query = '') => {
    const { body, headers } = await http.get(`${path}/render${query}`).expect(200);
    assert.equal(headers['content-type'], 'image/png');
    return decodePng(body);
  };
  const refusal = async (path: string, query: string, status: number) =>
    (await http.get(`${path}/render${query}`).expect(status)).body;
  let path = '';
  beforeEach(async () => {
    path = await create({ spec_id: SPEC, seed: 7 });
  });

  test('a picture is of the state after the calls before it, and shows the same twice', async () => {
    await http.post(`${path}/reset`).expect(200);
    const first = await picture(path);
    assert.deepEqual([first.width, first.height], [500, 500]);
    assert.deepEqual(await picture(path), first);
    await http
      .post(`${path}/step`)
      .send({ action: [2] })
      .expect(200);
    assert.notDeepEqual(await picture(path), first);
  });

  test('its size and its camera are the caller’s to choose', async () => {
    const robot = await create({ spec_id: 'HalfCheetah-v5', seed: 1 });
    await http.post(`${robot}/reset`).expect(200);
    const size = '?width=64&height=48';
    const tracked = await picture(robot, size);
    assert.deepEqual([tracked.width, tracked.height], [64, 48]);
    assert.deepEqual(await picture(robot, `${size}&camera=track`), tracked);
    assert.notDeepEqual(await picture(robot, `${size}&azimuth=45.5&elevation=-10&distance=3`), tracked);
    // As JavaScript and Python write small and long doubles.
    await picture(robot, `${size}&azimuth=-1.9762761091705615e-202&elevation=1e-7&distance=0.30000000000000004`);
    assert.match((await refusal(robot, '?camera=side', 400)).detail, /no camera "side"; it has "free", "track"/);
    assert.match((await refusal(robot, '?camera=track&distance=3', 400)).detail, /cannot be aimed/);
  });

  test('before the first reset there is nothing to see', async () => {
    const { code, detail } = await refusal(path, '', 409);
    assert.equal(code, 'reset_required');
    assert.match(detail, /call reset before render/);
  });

  for (const [query, pointer] of [
    ['?width=15', '/query/width'],
    ['?height=2049', '/query/height'],
    ['?width=many', '/query/width'],
    ['?camera=', '/query/camera'],
    ['?elevation=-91', '/query/elevation'],
    ['?distance=0', '/query/distance'],
    ['?distance=1e1', '/query/distance'],
    ['?azimuth=.5', '/query/azimuth'],
    ['?width=100.5', '/query/width'],
    ['?index=-1', '/query/index'],
  ] as const) {
    test(`${query} is refused by its name`, async () => {
      assert.equal((await refusal(path, query, 400)).errors[0].pointer, pointer);
    });
  }

  test('a drawing in the plane has no camera', async () => {
    await http.post(`${path}/reset`).expect(200);
    assert.match(
      (await refusal(path, '?azimuth=3', 400)).detail,
      /Pendulum-v1 is drawn in the plane.*leave "azimuth" out/,
    );
  });

  test('a vector environment shows one of its sub-environments', async () => {
    const vector = await create({ spec_id: SPEC, num_envs: 3, seed: 7 });
    await http.post(`${vector}/reset`).expect(200);
    const [first, second, third] = [
      await picture(vector),
      await picture(vector, '?index=1'),
      await picture(vector, '?index=2'),
    ];
    assert.deepEqual(await picture(vector, '?index=0'), first);
    assert.notDeepEqual(second, first);
    assert.notDeepEqual(third, second);
    // Seed 7 starts sub-environment i with 7 + i.
    await http.post(`${path}/reset`).send({ seed: 8 }).expect(200);
    assert.deepEqual(second, await picture(path));
    assert.match((await refusal(vector, '?index=3', 400)).detail, /index is 3, send one from 0 to 2/);
    assert.match((await refusal(path, '?index=0', 400)).detail, /is a single one and takes no index/);
  });

  test('toy text is text too, where Accept or render_mode asks for it', async () => {
    const get = (where: string, accept: string) => http.get(`${where}/render`).set('accept', accept);
    const lake = await create({ spec_id: 'FrozenLake-v1', kwargs: { is_slippery: false } });
    await http.post(`${lake}/reset`).send({ seed: 0 }).expect(200);
    const first = await get(lake, 'text/plain').expect(200);
    assert.match(String(first.headers['content-type']), /^text\/plain/);
    assert.equal(first.text, '\n\x1b[41mS\x1b[0mFFF\nFHFH\nFFFH\nHFFG\n');
    await http.post(`${lake}/step`).send({ action: 2 }).expect(200);
    const second = '  (Right)\nS\x1b[41mF\x1b[0mFF\nFHFH\nFFFH\nHFFG\n';
    assert.equal((await get(lake, 'text/plain').expect(200)).text, second);
    await get(lake, '*/*').expect(200).expect('content-type', 'image/png');
    const ansi = await create({ spec_id: 'FrozenLake-v1', render_mode: 'ansi', num_envs: 2 });
    await http.post(`${ansi}/reset`).expect(200);
    await get(ansi, '*/*')
      .expect(200)
      .expect('content-type', /^text\/plain/);
    await get(ansi, 'image/png').expect(200).expect('content-type', 'image/png');
    await http.post(`${path}/reset`).expect(200);
    assert.match(
      (await get(path, 'text/plain').expect(406)).body.detail,
      /Pendulum-v1 has no text; ask for image\/png/,
    );
    const refused = await http.post('/v1/environments').send({ spec_id: SPEC, render_mode: 'ansi' }).expect(422);
    assert.match(refused.body.detail, /has no render_mode "ansi"; it has rgb_array/);
  });

  test('looking waits its turn, and renews the environment', async () => {
    await http.post(`${path}/reset`).expect(200);
    const one = rawRequest('POST', `${path}/step`, '{"action":[0.5]}');
    const refused = (await pipeline(url, one.repeat(32) + rawRequest('GET', `${path}/render`), 33)).slice(-1);
    for (const response of refused) recorded.record('GET', `${path}/render`, response);
    assert.equal(refused[0]?.status, 429);
    const { expires_at } = (await http.get(path).expect(200)).body;
    await picture(path, '?width=16&height=16');
    assert.ok((await http.get(path).expect(200)).body.expires_at >= expires_at);
  });

  test('one that was deleted is gone', async () => {
    await http.delete(path).expect(204);
    assert.equal((await refusal(path, '', 410)).code, 'environment_gone');
  });
}
