// Ajv's findings in words that name the value and the remedy.
import type { ErrorObject } from 'ajv';
import { slipOf } from '../nearest.ts';
import { InvalidRequest, type ProblemPlace } from './problem.ts';

type Part = 'body' | 'querystring' | 'params' | 'headers' | 'frame';

const NAMES: Record<Part, { readonly pointer: string; readonly words: string }> = {
  body: { pointer: '/body', words: 'The body' },
  querystring: { pointer: '/query', words: 'The query' },
  params: { pointer: '/path', words: 'The path' },
  headers: { pointer: '/headers', words: 'The headers' },
  frame: { pointer: '', words: 'The frame' },
};

/** What Fastify throws for `errors` in `part` of a request. */
export function validationProblem(errors: readonly ErrorObject[], part: string): InvalidRequest {
  const { pointer, words } = NAMES[part as Part] ?? { pointer: '', words: 'The request' };
  const place = placeOf(tellingError(errors), pointer, words);
  return new InvalidRequest(place.detail, [place]);
}

/**
 * A failed `oneOf` reports every branch. What helps is the deepest place that is wrong (element 3 of the action, not the
 * action), and there the choice itself rather than one of its branches.
 */
function tellingError(errors: readonly ErrorObject[]): ErrorObject {
  const depth = (error: ErrorObject) => error.instancePath.split('/').length;
  const deepest = Math.max(...errors.map(depth));
  const there = errors.filter((error) => depth(error) === deepest);
  // The last choice to fail is the outermost one, which names all that is possible there.
  const telling = there.findLast(({ keyword }) => keyword === 'oneOf' || keyword === 'anyOf') ?? there[0];
  if (telling === undefined) throw new TypeError('There is no error to report.');
  return telling;
}

function placeOf(error: ErrorObject, part: string, words: string): ProblemPlace {
  const owner = error.instancePath === '' ? words : `"${nameOf(error.instancePath)}"`;
  const is = `${owner} is ${show(error.data)}`;
  const here = `${part}${error.instancePath}`;
  const { parentSchema = {}, params, keyword } = error;
  switch (keyword) {
    case 'required':
      return { pointer: here, detail: `${owner} lacks the field "${params.missingProperty}"; ${remedy(error)}` };
    case 'unevaluatedProperties':
    case 'additionalProperties': {
      const name = String(params.unevaluatedProperty ?? params.additionalProperty);
      return {
        pointer: `${here}/${escapePointer(name)}`,
        detail: `${owner} has no field "${name}"; ${allowed(parentSchema, name)}`,
      };
    }
    case 'propertyNames':
    case 'not':
    case 'oneOf':
    case 'anyOf': {
      const subject = keyword === 'propertyNames' ? `${owner} holds the name ${show(params.propertyName)}` : is;
      return { pointer: here, detail: `${subject}; it must be ${expected(error)}.` };
    }
    case 'pattern':
      if (error.propertyName !== undefined) {
        return {
          pointer: here,
          detail: `${owner} holds the name ${show(error.propertyName)}; a name must be ${expected(error)}.`,
        };
      }
      return { pointer: here, detail: `${is}; it must be ${expected(error)}.` };
    case 'enum':
      return { pointer: here, detail: `${is}; it must be one of ${params.allowedValues.map(show).join(', ')}.` };
    case 'const':
      return { pointer: here, detail: `${is}; it must be ${show(params.allowedValue)}.` };
    case 'type': {
      const types = [params.type].flat().map((type) => TYPE_WORDS.get(String(type)) ?? String(type));
      return { pointer: here, detail: `${is}; it must be ${types.join(' or ')}.` };
    }
    default:
      // Ajv's own words for limits: "must be >= 1", "must NOT have more than 32 properties".
      return { pointer: here, detail: `${is}; it ${error.message ?? `must satisfy "${keyword}"`}.` };
  }
}

const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ['integer', 'an integer'],
  ['number', 'a number'],
  ['string', 'a string'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['null', 'null'],
]);

/** The schema's title says what it takes, in words made for this. */
function expected({ parentSchema, schema, message }: ErrorObject): string {
  const title = parentSchema?.title ?? (schema as { title?: unknown } | undefined)?.title;
  return typeof title === 'string' ? title : (message ?? 'as the contract says').replace(/^must /, '');
}

function allowed(schema: object, name: string): string {
  const names = Object.keys('properties' in schema ? (schema.properties as object) : {}).sort();
  if (names.length === 0) return 'it takes none.';
  const close = slipOf(name, names);
  const list = `may hold: ${names.join(', ')}.`;
  return close === null ? `it ${list}` : `did you mean "${close}"? It ${list}`;
}

function remedy({ params, data, parentSchema = {} }: ErrorObject): string {
  const known = new Set(Object.keys('properties' in parentSchema ? (parentSchema.properties as object) : {}));
  const slip = slipOf(
    String(params.missingProperty),
    Object.keys(data as object).filter((name) => !known.has(name)),
  );
  if (slip !== null) return `is "${slip}" meant to be it?`;
  // A condition by itself says in its title what would do instead.
  const instead = 'properties' in parentSchema ? undefined : (parentSchema as { title?: string }).title;
  return instead === undefined ? 'add it.' : `add it, or ${instead}.`;
}

function nameOf(instancePath: string): string {
  return instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
}

function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

const LONGEST_QUOTE = 60;

function show(value: unknown): string {
  // What JSON.parse makes of 1e999; JSON.stringify would call it null.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number too large for 64 bits';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
}
