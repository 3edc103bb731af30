// Keyword arguments of environments: declared once as JSON Schema properties, checked here, typed from there.
import { DomainError } from '../errors.ts';
import { formatNumber, parseNumber, show } from './spaces/json-tensor.ts';

/** One keyword argument, as JSON Schema and with its default. */
export type KwargSchema =
  | { readonly type: 'boolean'; readonly default: boolean; readonly description: string }
  | {
      readonly type: 'number' | 'integer';
      readonly default: number;
      readonly description: string;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly exclusiveMinimum?: number;
    }
  | {
      readonly type: 'string';
      readonly enum: readonly string[];
      readonly default: string;
      readonly description: string;
    }
  | FreeKwarg<unknown>;

/** One of a form of its own. */
export interface FreeKwarg<T> {
  readonly type: 'free';
  /** That form as JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** As JSON has it. */
  readonly default: unknown;
  readonly description: string;
  /** What JSON's value means; undefined where it is not of this form. */
  readonly read: (value: unknown) => T | undefined;
  /** The form in words, as in "must be …". */
  readonly wanted: string;
}

export type KwargSchemas = Readonly<Record<string, KwargSchema>>;

/** What an environment receives: every argument, defaults filled in. */
export type Kwargs<S extends KwargSchemas> = {
  readonly [K in keyof S]: S[K] extends FreeKwarg<infer T> ? T : KwargOf<S[K]['type']>;
};

type KwargOf<T extends KwargSchema['type']> = T extends 'boolean' ? boolean : T extends 'string' ? string : number;

/** From the low end to the high one; an open end is infinite. */
export type Range = readonly [low: number, high: number];

/** A keyword argument that is a range: two numbers, the lower first. */
export function rangeKwarg([low, high]: Range, description: string): FreeKwarg<Range> {
  const end = { anyOf: [{ type: 'number' }, { enum: ['-Infinity', 'Infinity'] }] };
  return {
    type: 'free',
    schema: { type: 'array', items: end, minItems: 2, maxItems: 2 },
    default: [formatNumber(low), formatNumber(high)],
    description,
    read: readRange,
    wanted: 'a list of two numbers, the lower first ("-Infinity" and "Infinity" leave an end open)',
  };
}

function readRange(value: unknown): Range | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  if (!value.every((end) => typeof end === 'number' || end === '-Infinity' || end === 'Infinity')) return undefined;
  const [low, high] = [parseNumber(value[0], ''), parseNumber(value[1], '')];
  return low <= high ? [low, high] : undefined;
}

/** The JSON Schema of a whole kwargs object. */
export function kwargsSchema(properties: KwargSchemas): Readonly<Record<string, unknown>> {
  const schemas = Object.entries(properties).map(([name, kwarg]) => {
    if (kwarg.type !== 'free') return [name, kwarg] as const;
    return [name, { ...kwarg.schema, default: kwarg.default, description: kwarg.description }] as const;
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(schemas) };
}

/** `given` with the defaults that `schema`, one of `kwargsSchema`, names: equal where two mean the same. */
export function withDefaults(
  schema: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const properties = Object.entries(schema['properties'] as Readonly<Record<string, { readonly default: unknown }>>);
  return { ...Object.fromEntries(properties.map(([name, property]) => [name, property.default])), ...given };
}

function problemOf(schema: KwargSchema, value: unknown): string | undefined {
  if (schema.type === 'boolean') return typeof value === 'boolean' ? undefined : 'true or false';
  if (schema.type === 'free') return schema.read(value) === undefined ? schema.wanted : undefined;
  if ('enum' in schema) {
    return schema.enum.some((choice) => choice === value) ? undefined : `one of ${schema.enum.join(', ')}`;
  }
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  const limits = [
    minimum > -Infinity ? `at least ${minimum}` : '',
    exclusiveMinimum > -Infinity ? `above ${exclusiveMinimum}` : '',
    maximum < Infinity ? `at most ${maximum}` : '',
  ].filter((limit) => limit !== '');
  const wanted = [schema.type === 'integer' ? 'an integer' : 'a finite number', ...limits].join(', ');
  if (typeof value !== 'number' || !Number.isFinite(value)) return wanted;
  if (schema.type === 'integer' && !Number.isSafeInteger(value)) return wanted;
  return value >= minimum && value <= maximum && value > exclusiveMinimum ? undefined : wanted;
}

/** `given` with defaults. Throws `invalid_kwargs` naming every argument that is unknown or of the wrong type or range. */
export function resolveKwargs<S extends KwargSchemas>(
  id: string,
  schemas: S,
  given: Readonly<Record<string, unknown>>,
): Kwargs<S> {
  const problems = Object.entries(given).flatMap(([name, value]) => {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (schema === undefined) return [`"${name}" is not a keyword argument`];
    const wanted = problemOf(schema, value);
    return wanted === undefined ? [] : [`"${name}" is ${show(value)} but must be ${wanted}`];
  });
  if (problems.length > 0) {
    const allowed = Object.keys(schemas).join(', ') || 'none';
    throw new DomainError('invalid_kwargs', `${id}: ${problems.join('; ')}. Keyword arguments of ${id}: ${allowed}.`);
  }
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const value = Object.hasOwn(given, name) ? given[name] : schema.default;
      return [name, schema.type === 'free' ? schema.read(value) : value];
    }),
  ) as Kwargs<S>;
}
