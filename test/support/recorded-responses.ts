// Holds every response that a test receives to openapi.yaml, and remembers which documented statuses and codes were seen, so that
// a suite can prove at its end that each of them happens.
import assert from 'node:assert/strict';
import { decode } from '@msgpack/msgpack';
import type { FastifyInstance } from 'fastify';
import supertest, { type Response, type Test } from 'supertest';
import type { Contract, Operation } from '../../src/api/contract.ts';
import { createAjv } from '../../src/api/validation.ts';

export interface SeenResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string | undefined;
  /** Of a body that is no text. */
  readonly bytes?: Uint8Array;
}

export class RecordedResponses {
  readonly #contract: Contract;
  readonly #ajv;
  readonly #seen = new Set<string>();
  readonly #codes = new Set<string>();

  constructor(contract: Contract) {
    this.#contract = contract;
    this.#ajv = createAjv(contract.document, false);
  }

  /** Throws where the response is not what the document says; a method that the document lacks is not looked at. */
  record(method: string, path: string, response: SeenResponse): void {
    assert.match(String(response.headers['x-request-id']), /^[\w.-]{1,64}$/, 'Every response has a request id.');
    if (String(response.headers['content-type']).startsWith('application/problem+json'))
      this.#codes.add(JSON.parse(response.text ?? '').code);
    const operation = this.#operationOf(method, path);
    if (operation === undefined) return;
    const name = `${operation.operationId} ${response.status}`;
    const content = operation.responses.get(response.status);
    assert.ok(content, `openapi.yaml does not document ${name}: ${response.text}`);
    const type = String(response.headers['content-type'] ?? '').split(';')[0] ?? '';
    if (content.size === 0) assert.equal(type, '', `${name} has no content.`);
    else if (response.status !== 101) this.#assertBody(name, content.get(type), type, response);
    this.#seen.add(name);
  }

  /** `operationId status` of what the document names and nothing produced. */
  missing(): string[] {
    return this.#contract.operations
      .flatMap(({ operationId, responses }) => [...responses.keys()].map((status) => `${operationId} ${status}`))
      .filter((name) => !this.#seen.has(name));
  }

  /** Of `codes`, those that no problem had. */
  missingCodes(codes: readonly string[]): string[] {
    return codes.filter((code) => !this.#codes.has(code));
  }

  #assertBody(
    name: string,
    schema: { readonly $ref: string } | undefined,
    type: string,
    { text, bytes }: SeenResponse,
  ): void {
    assert.ok(schema, `openapi.yaml does not document ${type} for ${name}.`);
    if (type.endsWith('json')) this.assertValue(name, schema, JSON.parse(text ?? ''));
    if (type.endsWith('msgpack') && bytes !== undefined) this.assertValue(name, schema, named(decode(bytes)));
  }

  /** Throws where `value` is not what the schema says. */
  assertValue(name: string, schema: { readonly $ref: string }, value: unknown): void {
    const validate = this.#ajv.compile(schema);
    assert.ok(
      validate(value),
      `${name} is not what openapi.yaml says: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`,
    );
  }

  #operationOf(method: string, path: string): Operation | undefined {
    const [bare = ''] = path.split('?');
    return this.#contract.operations.find(
      (operation) =>
        operation.method === method &&
        new RegExp(`^${operation.url.replace(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`).test(bare),
    );
  }
}

/** MessagePack has NaN and infinities; the document has their names. */
export function named(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(named);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, named(field)]));
}

export interface RecordingClient {
  readonly get: (path: string) => Test;
  readonly post: (path: string) => Test;
  readonly put: (path: string) => Test;
  readonly patch: (path: string) => Test;
  readonly delete: (path: string) => Test;
  /** Any method, for loops over operations. */
  readonly call: (method: string, path: string) => Test;
}

/** supertest on a server that listens, with every response recorded. */
export function recordingClient(app: FastifyInstance, recorded: RecordedResponses): RecordingClient {
  const http = supertest(urlOf(app));
  const call = (method: string, path: string): Test =>
    http[method.toLowerCase() as 'get'](path).expect((response: Response) => {
      recorded.record(method.toUpperCase(), path, {
        status: response.status,
        headers: response.headers,
        text: response.text,
      });
    });
  return {
    call,
    get: (path) => call('GET', path),
    post: (path) => call('POST', path),
    put: (path) => call('PUT', path),
    patch: (path) => call('PATCH', path),
    delete: (path) => call('DELETE', path),
  };
}

export function urlOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The app does not listen on a port.');
  return `http://127.0.0.1:${address.port}`;
}
