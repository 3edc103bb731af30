// Everything that is made of the evidence: a plot of each curve, one of all curves of an environment, and the tables.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Curve, readCurves } from './aggregate.ts';
import { writeWhole } from './evidence.ts';
import { publishedOf } from './published.ts';
import { type Measured, readRobustness } from './robustness.ts';
import { reportOf } from './tables.ts';

/** Equal evidence gives equal bytes. Returns the paths. */
export async function writeReport(folder: string): Promise<string[]> {
  // Only here: vega takes half a second to load, and a broken plot must not keep a study from running.
  const { plot } = await import('./plot.ts');
  const { plotRobustness } = await import('./robustness-plot.ts');
  const curves = readCurves(folder).filter(({ steps }) => steps.length > 0);
  const written: string[] = [];
  const plots = new Map<string, string[]>();
  for (const [name, members] of pictures(curves)) {
    const [{ spec }] = members as [Curve];
    const file = `${name}.png`;
    written.push(writeChanged(join(folder, file), await plot(members, publishedOf(spec))));
    // A single plot beside that of all curves says nothing more; it is there for whoever wants it.
    if (name === `${spec}/all` || curves.filter((curve) => curve.spec === spec).length === 1)
      plots.set(spec, [...(plots.get(spec) ?? []), file]);
  }
  const robustness = new Map<string, readonly Measured[]>();
  for (const { group } of curves) {
    const measured = readRobustness(folder, group);
    if (measured === null) continue;
    robustness.set(group, measured);
    const picture = await plotRobustness(`${group} in a changed environment`, measured);
    written.push(writeChanged(join(folder, `${group}.robustness.png`), picture));
  }
  const report = reportOf(curves, { plots, robustness, notes: notesOf(folder, curves) });
  written.push(writeChanged(join(folder, 'README.md'), report));
  return written;
}

/** What a person has to say of an environment's results, where there is something. */
function notesOf(folder: string, curves: readonly Curve[]): ReadonlyMap<string, string> {
  const specs = [...new Set(curves.map(({ spec }) => spec))];
  const files = specs.map((spec) => [spec, join(folder, spec, 'notes.md')] as const);
  return new Map(
    files.filter(([, file]) => existsSync(file)).map(([spec, file]) => [spec, readFileSync(file, 'utf8').trim()]),
  );
}

/** Name and curves of each picture. */
function pictures(curves: readonly Curve[]): [string, readonly Curve[]][] {
  const specs = [...new Set(curves.map(({ spec }) => spec))];
  const together = specs
    .map((spec) => [`${spec}/all`, curves.filter((curve) => curve.spec === spec)] as [string, readonly Curve[]])
    .filter(([, members]) => members.length > 1);
  return [...curves.map((curve) => [curve.group, [curve]] as [string, readonly Curve[]]), ...together];
}

function writeChanged(file: string, content: string | Uint8Array): string {
  if (existsSync(file) && readFileSync(file).equals(Buffer.from(content))) return file;
  return writeWhole(file, content);
}
