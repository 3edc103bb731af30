// How strong a perturbation is: one number, or a range of which each episode draws its own.
import type { Pcg64 } from '../../math/pcg64.ts';
import type { FreeKwarg, Range } from '../kwargs.ts';
import { reseeded } from '../seeding.ts';

interface AmountLimits {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly integer?: boolean;
}

/** A keyword argument that is a finite number, or `[low, high]`; read as a range whose ends are equal for a number. */
export function amountKwarg(
  value: number,
  description: string,
  { minimum = -Infinity, maximum = Infinity, integer = false }: AmountLimits = {},
): FreeKwarg<Range> {
  const isFit = (x: unknown) => (integer ? Number.isSafeInteger(x) : Number.isFinite(x)) && isBetween(x as number);
  const isBetween = (x: number) => x >= minimum && x <= maximum;
  const end = {
    type: integer ? 'integer' : 'number',
    ...(minimum > -Infinity && { minimum }),
    ...(maximum < Infinity && { maximum }),
  };
  const limits = [
    minimum > -Infinity ? `, at least ${minimum}` : '',
    maximum < Infinity ? `, at most ${maximum}` : '',
  ].join('');
  return {
    type: 'free',
    schema: { anyOf: [end, { type: 'array', items: end, minItems: 2, maxItems: 2 }] },
    default: value,
    description,
    read: (given) => {
      if (!Array.isArray(given)) return isFit(given) ? [given as number, given as number] : undefined;
      const [low, high] = given;
      return given.length === 2 && given.every(isFit) && low <= high ? [low, high] : undefined;
    },
    wanted: `${integer ? 'an integer' : 'a finite number'}${limits}, or a list of two such, the lower first`,
  };
}

/** Uniform between the ends; where they are equal nothing is drawn. */
export function drawAmount(rng: Pcg64, [low, high]: Range): number {
  return low === high ? low : rng.uniform(low, high);
}

/** Each integer from the lower end to the higher one as likely. */
export function drawInteger(rng: Pcg64, [low, high]: Range): number {
  return low === high ? low : rng.integers(low, high + 1);
}

/**
 * The random numbers of the wrapper at `place` once an environment is reset: with a seed, the child number `place` that
 * the environment's own generator spawns (which draws nothing from it); without one, `current` goes on.
 */
export function wrapperStream(current: Pcg64, seed: number | undefined, place: number): Pcg64 {
  if (seed === undefined) return current;
  const parent = reseeded(current, seed);
  for (let i = 0; i < place; i++) parent.split();
  return parent.split();
}
