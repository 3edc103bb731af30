import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS_OF } from '../../../src/api/problem.ts';
import { createAjv } from '../../../src/api/validation.ts';
import { ERROR_CODES } from '../../../src/errors.ts';
import type { ContractContext } from '../../support/contract-context.ts';

type Json = Record<string, unknown>;

interface Example {
  /** JSON Pointer of the schema it belongs to. */
  readonly schema: string;
  readonly where: string;
  readonly value: unknown;
}

export function documentCases({ contract }: ContractContext): void {
  const { document } = contract;
  const ajv = createAjv(document, false);
  const examples = [...mediaTypeExamples(document), ...schemaExamples(document)];

  test('has examples to hold', () => assert.ok(examples.length > 100, `There are only ${examples.length}.`));

  for (const { schema, where, value } of examples) {
    test(`example ${where} is what its schema says`, () => {
      const validate = ajv.compile({ $ref: `openapi#${schema.split('/').map(encodeURIComponent).join('/')}` });
      assert.ok(validate(structuredClone(value)), ajv.errorsText(validate.errors));
    });
  }

  test('every body and every reply has an example', () => {
    const bare = mediaTypes(document).filter(({ value }) => examplesOf(document, value).length === 0);
    assert.deepEqual(
      bare.map(({ pointer }) => pointer),
      [],
    );
  });

  test('every object is closed, or says what else it may hold', () => {
    const open = objectSchemas(document).filter(
      ({ value }) => !('unevaluatedProperties' in value) && !('additionalProperties' in value),
    );
    assert.deepEqual(
      open.map(({ pointer }) => pointer),
      [],
    );
  });

  test('every operation has a summary, a description and the tag of its part of the server', () => {
    const tags = new Set((document.tags as { name: string }[]).map(({ name }) => name));
    for (const { pointer, value } of operations(document)) {
      assert.ok(typeof value.summary === 'string' && typeof value.description === 'string', pointer);
      assert.deepEqual(
        (value.tags as string[]).filter((tag) => !tags.has(tag)),
        [],
        pointer,
      );
    }
  });

  const { ErrorCode } = (document.components as { schemas: Record<string, { enum: string[]; description: string }> })
    .schemas;
  test('the error codes are those of src/errors.ts', () => {
    assert.deepEqual([...(ErrorCode?.enum ?? [])].sort(), [...ERROR_CODES].sort());
  });

  for (const code of ERROR_CODES) {
    test(`${code} is described with its status`, () => {
      const after = ErrorCode?.description.split(`\`${code}\``)[1] ?? '';
      assert.equal(Number(/\((\d{3})\)/.exec(after)?.[1]), STATUS_OF[code]);
    });
  }
}

interface Found {
  readonly pointer: string;
  readonly value: Json;
}

function operations(document: Json): Found[] {
  return walk(document.paths, '/paths').filter(({ value }) => 'operationId' in value);
}

function mediaTypes(document: Json): Found[] {
  return walk(document, '').filter(({ pointer }) => /\/content\/[^/]+$/.test(pointer));
}

function mediaTypeExamples(document: Json): Example[] {
  return mediaTypes(document).flatMap(({ pointer, value }) =>
    examplesOf(document, value).map((example, i) => ({
      schema: `${pointer}/schema`,
      where: `${pointer} ${i}`,
      value: example,
    })),
  );
}

function examplesOf(document: Json, mediaType: Json): unknown[] {
  const named = Object.values((mediaType.examples ?? {}) as Record<string, Json>).map((example) => {
    const name = typeof example.$ref === 'string' ? example.$ref.split('/').at(-1) : undefined;
    return name === undefined
      ? example.value
      : (document.components as { examples: Record<string, Json> }).examples[name]?.value;
  });
  return 'example' in mediaType ? [mediaType.example, ...named] : named;
}

function schemaExamples(document: Json): Example[] {
  const { schemas, parameters } = document.components as Json;
  return [...walk(schemas, '/components/schemas'), ...walk(parameters, '/components/parameters')].flatMap(
    ({ pointer, value }) =>
      Array.isArray(value.examples)
        ? value.examples.map((example, i) => ({ schema: pointer, where: `${pointer} ${i}`, value: example }))
        : [],
  );
}

function objectSchemas(document: Json): Found[] {
  return walk((document.components as Json).schemas, '/components/schemas').filter(({ value }) =>
    [value.type].flat().includes('object'),
  );
}

/** Every object below `value`, but for those inside of examples. */
function walk(value: unknown, pointer: string): Found[] {
  if (typeof value !== 'object' || value === null) return [];
  const here = Array.isArray(value) ? [] : [{ pointer, value: value as Json }];
  const below = Object.entries(value).flatMap(([name, member]) =>
    name === 'examples' || name === 'example'
      ? []
      : walk(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return [...here, ...below];
}
