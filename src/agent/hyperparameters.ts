// Hyperparameters checked against the JSON Schema that an algorithm shows: defaults filled in, and errors in words.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { DomainError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';

type Field = Readonly<Record<string, unknown>>;

export interface HyperparameterSchema {
  readonly properties: Readonly<Record<string, Field>>;
}

/** A function that fills the defaults of `schema` into what it is given. It throws `invalid_hyperparameter` naming field, value and what is allowed. */
export function hyperparameterFiller(
  algorithm: string,
  schema: HyperparameterSchema,
): (given: Record<string, unknown>) => void {
  // strictTypes off: "number or null" is one field here. No coercion: "256" is not 256.
  const validate = new Ajv2020({ useDefaults: true, strictTypes: false }).compile(schema);
  return (given) => {
    if (validate(given)) return;
    const [error] = validate.errors as [ErrorObject];
    throw new DomainError('invalid_hyperparameter', explain(algorithm, schema, error, given));
  };
}

function explain(algorithm: string, { properties }: HyperparameterSchema, error: ErrorObject, given: Field): string {
  if (error.keyword === 'additionalProperties') {
    const unknown = String((error.params as { additionalProperty: string }).additionalProperty);
    const names = Object.keys(properties);
    return `${algorithm} has no hyperparameter "${unknown.slice(0, 64)}".${didYouMean(unknown, names)} It has: ${names.join(', ')}.`;
  }
  const [field = ''] = error.instancePath.slice(1).split('/');
  const value = shown(given[field]);
  return `The hyperparameter "${field}" is ${value.slice(0, 100)}; allowed is ${allowed(properties[field] as Field)}.`;
}

/** As JSON, and with the numbers that JSON has no word for: 1e999 is read as Infinity. */
function shown(value: unknown): string {
  const words: string[] = [];
  const json = JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'number' || Number.isFinite(inner)) return inner;
    words.push(String(inner));
    return '\0';
  });
  return (json ?? 'undefined').replaceAll('"\\u0000"', () => words.shift() ?? '');
}

/** The range of a field in words, such as `number or null, ≥ 0 and ≤ 1`. */
function allowed(field: Field): string {
  if (Array.isArray(field['enum'])) return `one of ${JSON.stringify(field['enum'])}`;
  if (field['type'] === 'boolean') return 'true or false';
  if (field['type'] === 'array') {
    const items = field['items'] as Field;
    return `a list of ${field['minItems']} to ${field['maxItems']} integers, each ≥ ${items['minimum']} and ≤ ${items['maximum']}`;
  }
  const types = [field['type']].flat();
  const bound = (inclusive: string, exclusive: string, signs: readonly [string, string]): string =>
    field[exclusive] === undefined ? `${signs[0]} ${field[inclusive]}` : `${signs[1]} ${field[exclusive]}`;
  const lowest = bound('minimum', 'exclusiveMinimum', ['≥', '>']);
  const highest = bound('maximum', 'exclusiveMaximum', ['≤', '<']);
  const range = `${types.filter((type) => type !== 'array').join(' or ')}, ${lowest} and ${highest}`;
  if (!types.includes('array')) return range;
  return `${range}, or a list of ${field['minItems']} to ${field['maxItems']} points [update, rate]`;
}
