// Curves over seeds, and the numbers that tables show of them.
import { readFileSync } from 'node:fs';
import { type Evidence, findEvidence } from './evidence.ts';

/** All units of one algorithm with one setting on one environment. */
export interface Curve {
  readonly spec: string;
  /** `HalfCheetah-v5/sac-v2`. */
  readonly group: string;
  /** `sac-v2`. */
  readonly label: string;
  readonly units: readonly Evidence[];
  /** Timesteps at which every unit was evaluated. */
  readonly steps: readonly number[];
  /** Mean returns, by unit, by step. */
  readonly returns: readonly (readonly number[])[];
}

export interface Spread {
  readonly mean: number;
  /** Of the sample (n − 1); null with one value. */
  readonly std: number | null;
}

export function readCurves(folder: string): Curve[] {
  const found = findEvidence(folder);
  return [...new Set(found.map(({ evidence }) => evidence.group))].map((group) => {
    const members = found.filter(({ evidence }) => evidence.group === group);
    const tables = members.map(({ file }) => readReturns(file.replace(/json$/, 'csv')));
    const [first = new Map<number, number>()] = tables;
    const steps = [...first.keys()].filter((step) => tables.every((table) => table.has(step)));
    const [spec = '', label = ''] = group.split('/');
    return {
      spec,
      group,
      label,
      units: members.map(({ evidence }) => evidence),
      steps,
      returns: tables.map((table) => steps.map((step) => table.get(step) ?? Number.NaN)),
    };
  });
}

/** Over seeds, at an evaluation; null where there was none at that step. */
export function spreadAt({ steps, returns }: Curve, step: number): Spread | null {
  const index = steps.indexOf(step);
  return index < 0 ? null : spread(returns.map((curve) => curve[index] ?? Number.NaN));
}

/** Over seeds, of each one's mean over its last ten evaluations. */
export function spreadOfLast(curve: Curve): Spread {
  return spread(curve.returns.map((returns) => spread(returns.slice(-10)).mean));
}

/** The evaluation with the highest mean over seeds. */
export function best(curve: Curve): { readonly step: number; readonly spread: Spread } {
  const spreads = curve.steps.map((step) => ({ step, spread: spreadAt(curve, step) ?? spread([]) }));
  return spreads.reduce((a, b) => (b.spread.mean > a.spread.mean ? b : a));
}

export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, std: null };
  return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
}

function readReturns(file: string): Map<number, number> {
  const [head = '', ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const column = head.split(',').indexOf('eval/return_mean');
  return new Map(
    rows.map((row) => {
      const cells = row.split(',');
      return [Number(cells[0]), Number(cells[column])];
    }),
  );
}
