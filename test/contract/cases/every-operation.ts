import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BODY_LIMIT_BYTES } from '../../../src/api/app.ts';
import type { RealContext } from '../../support/real-servers.ts';
import { exampleBody, pathOf } from './examples.ts';

/** What any operation does with what is wrong in the same way everywhere. */
export function everyOperationCases({ contract, http, locked, app }: RealContext): void {
  for (const operation of contract.operations) {
    const { operationId, method, responses } = operation;
    const path = pathOf(operation);
    const example = exampleBody(contract, operation);
    const call = (query = '') => {
      const request = http.call(method, path + query);
      return example === undefined ? request : request.send(example as object);
    };

    test(`${operationId} is routed`, () => assert.ok(app.hasRoute({ method, url: operation.url })));

    if (responses.has(400)) {
      test(`${operationId} refuses an unknown query parameter`, async () => {
        const { body } = await call('?nonsense=1').expect(400);
        assert.equal(body.errors[0].pointer, '/query/nonsense');
      });
    }
    if (responses.has(401)) {
      test(`${operationId} asks for a key`, async () => {
        const { body, headers } = await locked.call(method, path).expect(401);
        assert.equal(body.code, 'unauthorized');
        assert.match(String(headers['www-authenticate']), /^Bearer/);
      });
    }
    if (responses.has(406)) {
      test(`${operationId} says what it can send`, async () => {
        const { body } = await call().set('accept', 'image/webp').expect(406);
        assert.equal(body.code, 'not_acceptable');
      });
    }
    if (responses.has(404) && operation.url.includes(':')) {
      test(`${operationId} finds nothing where there is nothing`, async () => {
        const { body } = await call()
          .set('accept', operation.produces.join(', ') || '*/*')
          .expect(404);
        assert.match(body.code, /_not_found$/);
      });
    }
    if (operation.body !== null) {
      test(`${operationId} takes JSON alone`, async () => {
        const { body } = await http.call(method, path).set('content-type', 'text/plain').send('hello').expect(415);
        assert.equal(body.code, 'unsupported_media_type');
        assert.match(body.detail, /"text\/plain"/);
      });
      test(`${operationId} refuses a body that is too large`, async () => {
        const { body } = await http
          .call(method, path)
          .send({ filler: 'x'.repeat(DEFAULT_BODY_LIMIT_BYTES) })
          .expect(413);
        assert.equal(body.code, 'payload_too_large');
        assert.ok(body.detail.includes(`${DEFAULT_BODY_LIMIT_BYTES} bytes`));
      });
      test(`${operationId} refuses an unknown field by its name`, async () => {
        const { body } = await http
          .call(method, path)
          .send({ ...(example as object), nonsense: 1 })
          .expect(400);
        assert.equal(body.errors[0].pointer, '/body/nonsense');
        assert.match(body.detail, /"nonsense"/);
      });
    }
  }

  for (const url of new Set(contract.operations.map(({ url }) => url))) {
    test(`${url} answers 405 with Allow to another method`, async () => {
      const { headers, body } = await http.put(url).set('content-type', 'text/plain').send('never read').expect(405);
      const documented = contract.operations.filter((operation) => operation.url === url).map(({ method }) => method);
      assert.equal(body.code, 'method_not_allowed');
      assert.deepEqual(
        String(headers.allow)
          .split(', ')
          .filter((method) => method !== 'HEAD')
          .sort(),
        documented.sort(),
      );
    });
  }
}
