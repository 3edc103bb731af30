// Maps of frozen lakes: rows of S(tart), F(rozen), H(ole) and G(oal), as gymnasium/envs/toy_text/frozen_lake.py (1.4.0)
// has them and draws them.
import { DomainError } from '../../errors.ts';
import { weightedChoices } from '../../math/draws.ts';
import { Pcg64 } from '../../math/pcg64.ts';

export const MAPS = {
  '4x4': ['SFFF', 'FHFH', 'FFFH', 'HFFG'],
  '8x8': ['SFFFFFFF', 'FFFFFFFF', 'FFFHFFFF', 'FFFFFHFF', 'FFFHFFFF', 'FHHFFFHF', 'FHFFHFHF', 'FFFHFFFG'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Arguments of Gymnasium's `generate_random_map`. */
export interface RandomMap {
  /** Rows and columns. */
  readonly size: number;
  /** Probability that a tile is frozen. */
  readonly p: number;
  /** Null draws a map that nobody can repeat. */
  readonly seed: number | null;
}

/** More than any sensible map needs: with the defaults 8 in 10 drafts have a way. */
const MAX_DRAFTS = 1000;

/**
 * A map with a way from the upper left to the lower right corner: drafts are drawn until one has it.
 * Throws `invalid_kwargs` where 1000 drafts have none; Gymnasium would go on.
 */
export function generateRandomMap({ size, p, seed }: RandomMap): string[] {
  const rng = seed === null ? Pcg64.fromEntropy() : Pcg64.fromSeed(seed);
  const frozen = Math.min(1, p);
  for (let draft = 0; draft < MAX_DRAFTS; draft++) {
    const letters: string[] = weightedChoices(rng, [frozen, 1 - frozen], size * size).map((i) => 'FH'.charAt(i));
    letters[0] = 'S';
    letters[letters.length - 1] = 'G';
    const map = Array.from({ length: size }, (_, row) => letters.slice(row * size, (row + 1) * size).join(''));
    if (hasWay(map)) return map;
  }
  throw new DomainError(
    'invalid_kwargs',
    `None of ${MAX_DRAFTS} random maps of ${size}×${size} tiles, frozen with probability ${p}, has a way to the goal; raise p or lower the size.`,
  );
}

/** Whether the goal can be reached from the upper left corner without a hole. */
function hasWay(map: readonly string[]): boolean {
  const seen = new Set<string>();
  const frontier: (readonly [row: number, column: number])[] = [[0, 0]];
  for (let tile = frontier.pop(); tile !== undefined; tile = frontier.pop()) {
    const [row, column] = tile;
    const letter = map[row]?.[column];
    if (letter === 'G') return true;
    if (letter === undefined || letter === 'H' || seen.has(`${row},${column}`)) continue;
    seen.add(`${row},${column}`);
    frontier.push([row + 1, column], [row, column + 1], [row - 1, column], [row, column - 1]);
  }
  return false;
}
