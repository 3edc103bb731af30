import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, type RealContext } from '../../support/real-servers.ts';

export function authCases({ locked, limited, contract }: RealContext): void {
  test('the right key opens', async () => {
    await locked.get('/v1/server').set('authorization', `Bearer ${KEY}`).expect(200);
  });
  test('the scheme is read without regard to case', async () => {
    await locked.get('/v1/server').set('authorization', `bearer ${KEY}`).expect(200);
  });

  for (const header of ['', 'Bearer', 'Bearer ', `Bearer ${KEY}x`, `Bearer ${KEY} ${KEY}`, `Basic ${KEY}`, KEY]) {
    test(`"${header}" does not open`, async () => {
      const { body } = await locked.get('/v1/server').set('authorization', header).expect(401);
      assert.ok(!body.detail.includes(KEY));
    });
  }

  for (const { url, operationId } of contract.operations.filter(({ open }) => open)) {
    test(`${operationId} asks for no key`, async () => {
      await locked.get(url).expect(200);
    });
  }
  for (const path of ['/docs', '/docs/', '/docs/static/swagger-ui.css', '/docs/json']) {
    test(`${path} asks for no key`, async () => {
      await locked.get(path).expect(200);
    });
    test(`${path} keeps to the limit of requests`, async () => {
      await limited.get(path);
      assert.equal((await limited.get(path).expect(429)).body.code, 'too_many_requests');
    });
  }
  for (const path of ['/docs/../v1/server', '/docs%2f..%2fv1/server', '/documents', '/docs/nothing', '//docs']) {
    test(`${path} is no way around`, async () => {
      const { status } = await locked.get(path);
      assert.ok(status === 401 || status === 404, `${status}`);
    });
  }
}
