// Requests are held to openapi.yaml by Ajv (draft 2020-12), compiled by reference into the document as it was written:
// the glue's dereferenced copies cannot hold a recursive schema. Fastify's own Ajv is draft-07 and turns null into 0.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifySchema } from 'fastify';
import { type Contract, DOCUMENT_ID, type Operation, type Parameter } from './contract.ts';
import { isPacked } from './msgpack.ts';

export interface RequestValidators {
  /** What Fastify asks for one part of one route. */
  compile(schema: object, part: string | undefined): ValidateFunction;
}

/** The body of an operation that takes both: a schema for each media type. */
interface Bodies {
  readonly json: object;
  readonly msgpack: object;
}

export function createValidators(document: Contract['document']): RequestValidators {
  // A body says what it means: "1" is no number. A query can only say strings.
  const bodies = createAjv(document, false);
  const strings = createAjv(document, 'array');
  return {
    compile: (schema, part) => {
      if (part !== 'body') return withDecimals(lazily(strings, schema));
      if (!('msgpack' in schema)) return lazily(bodies, schema);
      const { json, msgpack } = schema as Bodies;
      return either(lazily(bodies, json), lazily(bodies, msgpack));
    },
  };
}

/** Compiled when it is first needed: all of them would be a fifth of the server's start. */
function lazily(ajv: Ajv2020, schema: object): ValidateFunction {
  let validate: ValidateFunction | undefined;
  return chosen(() => {
    validate ??= ajv.compile(schema);
    return validate;
  });
}

/** By what the body was parsed from. The header would not do: without one, no schema at all would be found. */
function either(json: ValidateFunction, msgpack: ValidateFunction): ValidateFunction {
  return chosen((data) => (isPacked(data) ? msgpack : json));
}

function chosen(validatorOf: (data: unknown) => ValidateFunction): ValidateFunction {
  const check = (data: unknown): boolean => {
    const validate = validatorOf(data);
    const isValid = validate(data);
    check.errors = validate.errors ?? null;
    return isValid;
  };
  check.errors = null as ValidateFunction['errors'];
  return check as ValidateFunction;
}

/**
 * Ajv reads numbers as JavaScript does: " 1", "0x10" and "1e2" pass, and 400 nines become an Infinity that no maximum stops.
 * Here a number in a query or a header is its decimal digits, with a point where it is no integer.
 */
function withDecimals(validate: ValidateFunction): ValidateFunction {
  const check = (data: Record<string, unknown>): boolean => {
    const given = { ...data };
    if (!validate(data)) {
      check.errors = validate.errors ?? null;
      return false;
    }
    const wrong = Object.keys(data).find(
      (name) =>
        typeof data[name] === 'number' && typeof given[name] === 'string' && !isDecimal(given[name], data[name]),
    );
    check.errors = wrong === undefined ? null : [notDecimal(wrong, given[wrong])];
    return wrong === undefined;
  };
  check.errors = null as ValidateFunction['errors'];
  return check as ValidateFunction;
}

/** As any language writes a double, which for a small one is 5e-324 or has twenty zeros; an integer has no exponent. */
function isDecimal(text: string, value: number): boolean {
  return Number.isInteger(value)
    ? /^-?\d{1,16}(\.0{1,16})?$/.test(text)
    : /^-?\d{1,16}(\.\d{1,30})?(e-\d{1,3})?$/i.test(text);
}

function notDecimal(name: string, data: unknown): ErrorObject {
  const message = 'must be written in decimal digits, such as 12 or -0.5';
  return { keyword: 'decimal', instancePath: `/${name}`, schemaPath: '', params: {}, data, message };
}

/** An Ajv that knows the document as `openapi`. */
export function createAjv(document: Contract['document'], coerceTypes: boolean | 'array'): Ajv2020 {
  const ajv = new Ajv2020({
    coerceTypes,
    useDefaults: true,
    removeAdditional: false,
    // Error messages quote the value and the schema's own words.
    verbose: true,
    // All errors of a megabyte of nulls would take minutes; one is enough to act on.
    allErrors: false,
    strict: true,
    strictTypes: false,
    // `then` names properties that are declared beside it.
    strictRequired: false,
  });
  // To Ajv the document is a schema whose keywords are `openapi`, `paths` and so on; none of them checks anything.
  ajv.addVocabulary([...Object.keys(document), 'discriminator']);
  addFormats.default(ajv, ['date-time']);
  ajv.addSchema(document, DOCUMENT_ID, undefined, false);
  return ajv;
}

/** Fastify's route schema for an operation. Parts that the operation does not have are closed, so that a stray field is noticed. */
export function routeSchemaOf(operation: Operation): FastifySchema {
  const inputs = operation.responses.has(400);
  const takesHeaders = operation.parameters.some((parameter) => parameter.in === 'header');
  return {
    params: partOf(operation, 'path'),
    ...(inputs ? { querystring: partOf(operation, 'query') } : {}),
    ...(takesHeaders ? { headers: { ...partOf(operation, 'header'), additionalProperties: true } } : {}),
    ...(operation.body === null ? {} : { body: bodyOf(operation.body, operation.packedBody) }),
  };
}

function bodyOf(json: object, msgpack: object | null): object {
  return msgpack === null ? json : ({ json, msgpack } satisfies Bodies);
}

function partOf({ parameters }: Operation, where: Parameter['in']): object {
  const here = parameters.filter((parameter) => parameter.in === where);
  return {
    type: 'object',
    properties: Object.fromEntries(here.map(({ name, schema }) => [name, schema])),
    required: here.filter(({ required }) => required === true).map(({ name }) => name),
    additionalProperties: false,
  };
}
