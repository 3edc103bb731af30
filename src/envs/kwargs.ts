// Keyword arguments of environments: declared once as JSON Schema properties, checked here, typed from there.
import { DomainError } from '../errors.ts';
import { show } from './spaces/json-tensor.ts';

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
    };

export type KwargSchemas = Readonly<Record<string, KwargSchema>>;

/** What an environment receives: every argument, defaults filled in. */
export type Kwargs<S extends KwargSchemas> = {
  readonly [K in keyof S]: S[K]['type'] extends 'boolean' ? boolean : number;
};

/** The JSON Schema of a whole kwargs object. */
export function kwargsSchema(properties: KwargSchemas): Readonly<Record<string, unknown>> {
  return { type: 'object', additionalProperties: false, properties };
}

function problemOf(schema: KwargSchema, value: unknown): string | undefined {
  if (schema.type === 'boolean') return typeof value === 'boolean' ? undefined : 'true or false';
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
  const defaults = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schema.default]));
  return { ...defaults, ...given } as Kwargs<S>;
}
