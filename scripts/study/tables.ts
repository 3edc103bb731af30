// The report in Markdown: a table for each environment, beside what others published.
import { best, type Curve, type Spread, spreadAt, spreadOfLast } from './aggregate.ts';
import type { Evidence } from './evidence.ts';
import { CAVEAT, type Published, publishedOf } from './published.ts';
import type { Measured } from './robustness.ts';

/** Steps that have a column where a study came that far. */
const COLUMNS = [20_000, 50_000, 100_000, 200_000, 300_000, 500_000, 1_000_000, 3_000_000];

export interface Beside {
  /** Pictures of each environment, in the order of the report. */
  readonly plots?: ReadonlyMap<string, readonly string[]>;
  /** What was measured of a group of units. */
  readonly robustness?: ReadonlyMap<string, readonly Measured[]>;
  /** What a person wrote about the results of an environment, in Markdown. */
  readonly notes?: ReadonlyMap<string, string>;
}

export function reportOf(
  curves: readonly Curve[],
  { plots = new Map(), robustness = new Map(), notes = new Map() }: Beside,
): string {
  const specs = [...new Set(curves.map(({ spec }) => spec))];
  const sections = specs.map((spec) =>
    section(
      spec,
      curves.filter((curve) => curve.spec === spec),
      plots.get(spec) ?? [],
      notes.get(spec),
    ),
  );
  const changed = [...robustness].map(([group, measured]) => robustnessSection(group, measured));
  const body = sections.length === 0 ? ['No study has ended yet.'] : [...sections, ...changed];
  return `${[HEAD, ...body].join('\n\n')}\n`;
}

const HEAD = `# Learning curves

Written by \`npm run study -- --report\` from the files beside this one (remarks from the \`notes.md\` of an environment); do not edit. \`npm run study -- --plan
bench/results/study/plan.json\` makes what is missing, and \`npm run study -- --verify FILE.json\` repeats the beginning of a unit
and compares model and metrics byte for byte, on another processor or build of the engine the metrics.

A number is the mean return of an evaluation (mean action, the same episodes each time), averaged over seeds, ± the standard
deviation over seeds (n − 1; none with one seed). *Last ten* averages the last ten evaluations of each seed first. *Best* is the
evaluation with the highest mean over seeds. ${CAVEAT}`;

function section(spec: string, curves: readonly Curve[], plots: readonly string[], note: string | undefined): string {
  const longest = Math.max(...curves.flatMap(({ steps }) => steps));
  const columns = COLUMNS.filter((step) => step <= longest);
  const published = publishedOf(spec);
  const beside = published.filter(({ at }) => columns.some((step) => step in at));
  const rows = [
    ['', 'seeds', 'steps', ...columns.map(short), 'last ten', 'best'],
    ['---', '---:', '---:', ...columns.map(() => '---:'), '---:', '---:'],
    ...curves.map((curve) => curveRow(curve, columns)),
    ...beside.map((row) => publishedRow(row, columns)),
  ];
  return [
    `## ${spec}`,
    rows.map((row) => `| ${row.join(' | ')} |`).join('\n'),
    ...(beside.length > 0 ? [`Published: ${list(beside.map(({ name, how }) => `${name}: ${how}`))}.`] : []),
    ...laterLine(published, longest),
    ...(note === undefined ? [] : [note]),
    plots.map((plot) => `![Return of ${spec} by steps](${plot})`).join('\n'),
    curves.map(howLine).join('\n'),
  ].join('\n\n');
}

/** A row for each thing that was changed: how far, and the return at that. */
function robustnessSection(group: string, measured: readonly Measured[]): string {
  const names = [...new Set(measured.map(({ name }) => name))];
  const rows = names.map((name) => {
    const cells = measured
      .filter((one) => one.name === name)
      .map(({ value, nominal, spread }) => `${value === nominal ? `**${value}**` : value}: ${cell(spread)}`);
    return `| ${name} | ${cells.join('; ')} |`;
  });
  return [
    `## ${group} in a changed environment`,
    'The last policies of its seeds, evaluated through `perturbations` of `POST /v1/agents/{id}/evaluate`; bold is the environment as trained in.',
    ['| changed | value: return |', '| --- | --- |', ...rows].join('\n'),
    `![Return of ${group} in a changed environment](${group}.robustness.png)`,
    `\`npm run study -- --robustness ${group}\` makes \`${group}.robustness.csv\`.`,
  ].join('\n\n');
}

function curveRow(curve: Curve, columns: readonly number[]): string[] {
  const top = best(curve);
  return [
    `**${curve.label}**`,
    String(curve.units.length),
    short(curve.steps.at(-1) ?? 0),
    ...columns.map((step) => cell(spreadAt(curve, step))),
    cell(spreadOfLast(curve)),
    `${cell(top.spread)} at ${short(top.step)}`,
  ];
}

function publishedRow({ name, environment, seeds, at }: Published, columns: readonly number[]): string[] {
  const cells = columns.map((step) => {
    const [mean, std] = at[step] ?? [null, null];
    return cell(mean === null ? null : { mean, std });
  });
  return [`${name}, ${environment}`, seeds === null ? '–' : String(seeds), '', ...cells, '', ''];
}

/** What others reached later: an outlook, and no comparison. */
function laterLine(published: readonly Published[], longest: number): string[] {
  const later = published.flatMap(({ name, environment, at }) =>
    Object.entries(at)
      .filter(([step]) => Number(step) > longest && Number(step) <= 2_000_000)
      .map(([step, [mean, std]]) => `${name}, ${environment} at ${short(Number(step))}: ${cell({ mean, std })}`),
  );
  return later.length === 0 ? [] : [`Later, for an outlook: ${list(later)}.`];
}

function howLine({ label, group, units }: Curve): string {
  const [first] = units as readonly [Evidence, ...Evidence[]];
  const { config, engine, machine, node, jobs } = first;
  const rates = units.map(({ steps_per_second }) => steps_per_second);
  const range = [...new Set([Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0)))].join('–');
  const changed = Object.entries(config.changed_hyperparameters).map(
    ([name, value]) => `\`${name}\` ${JSON.stringify(value)}`,
  );
  const commits = [...new Set(units.map(({ gymserve }) => commitOf(gymserve)))];
  return [
    `- **${label}**, seeds ${units.map(({ config: { seed } }) => seed).join(', ')}: `,
    changed.length === 0 ? 'default hyperparameters' : `defaults but for ${list(changed)}`,
    `; engine ${engine.name}, ${engine.threads} thread(s), ${jobs} unit(s) at a time, ${range} steps/s each`,
    ` on ${machine.cores} cores of "${machine.cpu}", Node ${node}, commit ${commits.join(', ')}. `,
    `\`${first.command}\`; files \`${group}-seed*\`.`,
  ].join('');
}

function commitOf({ commit, dirty }: Evidence['gymserve']): string {
  return commit === null ? 'unknown' : `${commit.slice(0, 12)}${dirty ? ' with changes' : ''}`;
}

function cell(spread: Spread | null): string {
  if (spread === null) return '–';
  const digits = Math.abs(spread.mean) < 100 ? 1 : 0;
  const text = (value: number) => value.toFixed(digits).replace('-', '−');
  return spread.std === null ? text(spread.mean) : `${text(spread.mean)} ± ${text(spread.std)}`;
}

function short(step: number): string {
  if (step >= 1_000_000) return `${step / 1_000_000}M`;
  return step >= 1000 ? `${step / 1000}k` : String(step);
}

function list(words: readonly string[]): string {
  return words.join('; ');
}
