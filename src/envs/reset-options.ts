// The `options` of reset, read strictly.
import { DomainError } from '../errors.ts';
import { show } from './spaces/json-tensor.ts';

/**
 * The numbers in `options`, each named in `defaults`. Throws `invalid_request` for an option the environment does not
 * have (Gymnasium ignores those, which hides typing errors) and for anything but a finite number.
 */
export function numericOptions<N extends string>(
  id: string,
  options: Readonly<Record<string, unknown>> | undefined,
  defaults: Readonly<Record<N, number>>,
): Readonly<Record<N, number>> {
  const resolved: Record<N, number> = { ...defaults };
  for (const [name, value] of Object.entries(options ?? {})) {
    if (!Object.hasOwn(defaults, name)) {
      const allowed = Object.keys(defaults).join(', ') || 'none';
      throw new DomainError('invalid_request', `${id} has no reset option "${name}". Its options: ${allowed}.`);
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new DomainError('invalid_request', `Reset option "${name}" is ${show(value)}; it must be a finite number.`);
    }
    resolved[name as N] = value;
  }
  return resolved;
}
