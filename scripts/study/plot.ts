// Learning curves as a PNG.
import type { TopLevelSpec } from 'vega-lite';
import { type Curve, spreadAt } from './aggregate.ts';
import { COLOURS, STYLE, toPng } from './drawing.ts';
import type { Published } from './published.ts';

/** Published numbers are black. */
const PUBLISHED_COLOUR = '#222222';
const X = { field: 'step', type: 'quantitative' } as const;
const STEP_LABEL = "datum.value < 1000 ? datum.value : format(datum.value / 1000, ',') + 'k'";
const LEGEND_ROW = 17;
const DASHES = [[], [6, 3], [2, 2]];

export async function plot(curves: readonly Curve[], published: readonly Published[]): Promise<Buffer> {
  return await toPng(specOf(curves, published));
}

function specOf(curves: readonly Curve[], published: readonly Published[]): TopLevelSpec {
  const episodes = [...new Set(curves.map((curve) => evaluationOf([curve]).episodes))]
    .sort((a, b) => a - b)
    .join(' or ');
  const labels = curves.map(labelOf);
  const longest = Math.max(...curves.flatMap(({ steps }) => steps));
  const points = pointsOf(published, longest);
  const pointLabels = [...new Set(points.map(({ label }) => label))];
  const domain = [...labels, ...pointLabels];
  const legend = {
    title: null,
    orient: 'top',
    direction: 'vertical',
    columns: 1,
    offset: 12,
    labelLimit: 700,
    symbolOpacity: 1,
  } as const;
  const color = {
    field: 'label',
    type: 'nominal',
    scale: {
      domain,
      range: [
        ...labels.map((_, index) => COLOURS[index % COLOURS.length] ?? ''),
        ...pointLabels.map(() => PUBLISHED_COLOUR),
      ],
    },
    legend,
  } as const;
  /** Where there are more curves than colours. */
  const strokeDash = {
    field: 'label',
    type: 'nominal',
    scale: {
      domain,
      range: domain.map((_, index) =>
        index < labels.length ? (DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? []) : [],
      ),
    },
    legend,
  } as const;
  return {
    width: 820,
    height: 420,
    // Said here, since without a canvas Vega can only guess how wide a text is.
    autosize: 'none',
    padding: { left: 96, right: 36, top: 76 + LEGEND_ROW * (labels.length + pointLabels.length), bottom: 62 },
    background: 'white',
    title: titleOf(curves),
    layer: [
      {
        data: { values: curves.flatMap(bandOf) },
        mark: { type: 'area', opacity: 0.18 },
        encoding: { x: X, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' }, color },
      },
      {
        data: { values: curves.flatMap(seedLinesOf) },
        mark: { type: 'line', strokeWidth: 0.8, opacity: 0.45 },
        encoding: { x: X, y: { field: 'value', type: 'quantitative' }, color, detail: { field: 'seed' } },
      },
      {
        data: { values: curves.flatMap(bandOf) },
        mark: { type: 'line', strokeWidth: 2.6 },
        encoding: {
          x: {
            ...X,
            scale: { domain: [0, longest], nice: false },
            axis: { title: 'Environment steps', labelExpr: STEP_LABEL, tickCount: 8 },
          },
          y: {
            field: 'mean',
            type: 'quantitative',
            scale: { zero: false },
            axis: { title: `Evaluation return (mean of ${episodes} episodes)` },
          },
          color,
          strokeDash,
        },
      },
      {
        data: { values: points },
        mark: { type: 'rule', strokeWidth: 1.4 },
        encoding: { x: X, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' }, color },
      },
      {
        data: { values: points },
        mark: { type: 'point', shape: 'diamond', filled: true, size: 90, opacity: 1 },
        encoding: { x: X, y: { field: 'value', type: 'quantitative' }, color },
      },
    ],
    config: STYLE,
  };
}

function titleOf(curves: readonly Curve[]) {
  const { every_timesteps: every } = evaluationOf(curves);
  const spread = curves.some(({ units }) => units.length > 1)
    ? 'Line: mean over seeds; band: ± 1 std; thin: each seed. '
    : '';
  const shown = curves.length > 3 ? `${curves.length} settings` : curves.map(({ label }) => label).join(', ');
  return {
    text: `${curves[0]?.spec}: ${shown}`,
    subtitle: `${spread}Mean action, every ${every.toLocaleString('en')} steps.`,
  };
}

function evaluationOf(curves: readonly Curve[]) {
  return curves[0]?.units[0]?.config.evaluation ?? { episodes: 0, every_timesteps: 0 };
}

function labelOf({ label, units }: Curve): string {
  return `${label} (${units.length} ${units.length === 1 ? 'seed' : 'seeds'})`;
}

function bandOf(curve: Curve) {
  const label = labelOf(curve);
  return curve.steps.map((step) => {
    const { mean, std } = spreadAt(curve, step) ?? { mean: Number.NaN, std: null };
    return { label, step, mean, low: mean - (std ?? 0), high: mean + (std ?? 0) };
  });
}

/** With one seed that would be the mean again. */
function seedLinesOf(curve: Curve) {
  if (curve.units.length < 2) return [];
  const label = labelOf(curve);
  return curve.returns.flatMap((values, unit) =>
    curve.steps.map((step, index) => ({ label, seed: curve.units[unit]?.config.seed, step, value: values[index] })),
  );
}

function pointsOf(published: readonly Published[], longest: number) {
  return published.flatMap(({ name, environment, seeds, at }) =>
    Object.entries(at)
      .map(([step, [value, std]]) => ({ step: Number(step), value, low: value - (std ?? 0), high: value + (std ?? 0) }))
      .filter(({ step }) => step <= longest)
      .map((point) => ({ ...point, label: `${name}, ${environment}${seeds === null ? '' : ` (${seeds} seeds)`}` })),
  );
}
