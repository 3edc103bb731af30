// What others reported, from published.json beside this file.
import { readFileSync } from 'node:fs';

export interface Published {
  readonly environment: string;
  readonly name: string;
  readonly seeds: number | null;
  /** How the numbers were had. */
  readonly how: string;
  /** Mean and standard deviation by timesteps. */
  readonly at: Readonly<Record<string, readonly [number, number | null]>>;
}

// It is read where it was written: tsc copies no JSON.
const FILE = new URL('../../../scripts/study/published.json', import.meta.url);

const { caveat, rows } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly caveat: string;
  readonly rows: readonly Published[];
};

export const CAVEAT = caveat;

/** What was published of the environment, of whatever version. */
export function publishedOf(spec: string): readonly Published[] {
  return rows.filter(({ environment }) => baseOf(environment) === baseOf(spec));
}

/** `HalfCheetah` of `HalfCheetah-v5`. */
function baseOf(spec: string): string {
  return spec.replace(/-v\d+$/, '');
}
