import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BODY_LIMIT_BYTES } from '../../../src/api/app.ts';
import { FILE_LIMIT_BYTES } from '../../../src/api/dispatch.ts';
import { KEY, keyFor, pipeline, type RealContext } from '../../support/real-servers.ts';
import { exampleBody, pathOf, withExample } from './examples.ts';

/** What any operation does with what is wrong in the same way everywhere. */
export function everyOperationCases({ contract, http, locked, limited, app, url, recorded }: RealContext): void {
  for (const operation of contract.operations) {
    const { operationId, method, responses } = operation;
    const path = pathOf(operation);
    const example = exampleBody(contract, operation);
    const call = (query = '') => withExample(http.call(method, path + query), contract, operation);

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
    const { scope } = operation;
    if (scope !== null) {
      test(`${operationId} asks for a key with the scope ${scope}, and admin has it`, async () => {
        for (const other of (['read', 'env', 'train'] as const).filter((candidate) => candidate !== scope)) {
          const refused = locked.call(method, path).set('authorization', `Bearer ${keyFor(other)}`);
          const { body } = await refused.expect(403);
          assert.equal(body.code, 'insufficient_scope');
          assert.ok(body.detail.includes(`scope ${scope}`) && !body.detail.includes(keyFor(other)), body.detail);
        }
        for (const key of [KEY, keyFor(scope)]) {
          const { status } = await locked.call(method, path).set('authorization', `Bearer ${key}`);
          assert.ok(status !== 401 && status !== 403, `${status}`);
        }
      });
    }
    if (responses.has(429)) {
      test(`${operationId} keeps to the limit of requests`, async () => {
        const request = () =>
          withExample(limited.call(method, path), contract, operation).set(
            'accept',
            operation.produces.join(', ') || '*/*',
          );
        await request();
        const { body, headers } = await request().expect(429);
        assert.equal(body.code, 'too_many_requests');
        assert.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60);
      });
    }
    if (!responses.has(429)) {
      test(`${operationId} is asked as often as one likes`, async () => {
        for (let i = 0; i < 3; i++) await limited.call(method, path).expect(200);
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
    if (operation.takesFile) {
      test(`${operationId} takes a file as bytes alone`, async () => {
        for (const headers of [
          { 'content-type': 'application/json' },
          { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
        ]) {
          const { body } = await http.call(method, path).set(headers).send('{}').expect(415);
          assert.equal(body.code, 'unsupported_media_type');
          assert.match(body.detail, /send the file as/);
        }
      });
      test(`${operationId} refuses a file that is too large before it is there`, async () => {
        const type = 'content-type: application/octet-stream';
        const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${type}\r\ncontent-length: ${FILE_LIMIT_BYTES + 1}\r\n\r\n`;
        const [response] = await pipeline(url, head, 1);
        assert.ok(response);
        recorded.record(method, path, response);
        assert.equal(response.status, 413);
        assert.match(response.text, new RegExp(`larger than ${FILE_LIMIT_BYTES} bytes`));
      });
    }
    if (operation.body !== null) {
      test(`${operationId} takes no file`, async () => {
        const type = 'application/octet-stream';
        const { body } = await http.call(method, path).set('content-type', type).send(Buffer.from('{}')).expect(415);
        assert.match(body.detail, /send the body as application\/json/);
      });
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

  /** A method that no operation at `url` has. */
  const unused = (url: string): string =>
    contract.operations.some((operation) => operation.url === url && operation.method === 'PUT') ? 'PATCH' : 'PUT';

  for (const url of new Set(contract.operations.map(({ url }) => url))) {
    test(`${url} answers 405 with Allow to another method`, async () => {
      const webDav = await http.call('PROPFIND', url).expect(405);
      const { headers, body } = await http
        .call(unused(url), url)
        .set('content-type', 'text/plain')
        .send('never read')
        .expect(405);
      const documented = contract.operations.filter((operation) => operation.url === url).map(({ method }) => method);
      assert.equal(body.code, 'method_not_allowed');
      assert.equal(webDav.headers.allow, headers.allow);
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
