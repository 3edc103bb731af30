// Return against each change of the environment: one small picture beside the other, on one scale.
import type { TopLevelSpec } from 'vega-lite';
import { COLOURS, STYLE, toPng } from './drawing.ts';
import type { Measured } from './robustness.ts';

const [BLUE = 'black', RED = 'black'] = COLOURS;

export async function plotRobustness(title: string, measured: readonly Measured[]): Promise<Buffer> {
  const names = [...new Set(measured.map(({ name }) => name))];
  const points = measured.map(({ name, value, nominal, spread: { mean, std } }) => ({
    name,
    value,
    mean,
    low: mean - (std ?? 0),
    high: mean + (std ?? 0),
    as: value === nominal ? 'as trained' : 'changed',
  }));
  const domain = [Math.min(0, ...points.map(({ low }) => low)), Math.max(...points.map(({ high }) => high))];
  const drawing: TopLevelSpec = {
    background: 'white',
    title: {
      text: title,
      subtitle: 'Return with the mean action. Line: mean over seeds; bars: ± 1 std; red: as trained.',
    },
    padding: { left: 12, right: 24, top: 12, bottom: 12 },
    spacing: 24,
    columns: 3,
    concat: names.map((name, place) => ({
      width: 250,
      height: 200,
      data: { values: points.filter((point) => point.name === name) },
      layer: [
        {
          mark: { type: 'line', color: BLUE, strokeWidth: 2.2 },
          encoding: {
            x: { field: 'value', type: 'quantitative', scale: { zero: false }, axis: { title: name, tickCount: 5 } },
            y: {
              field: 'mean',
              type: 'quantitative',
              scale: { domain },
              axis: { title: place % 3 === 0 ? 'Return' : null },
            },
          },
        },
        {
          mark: { type: 'rule', color: BLUE, strokeWidth: 1.4 },
          encoding: {
            x: { field: 'value', type: 'quantitative' },
            y: { field: 'low', type: 'quantitative' },
            y2: { field: 'high' },
          },
        },
        {
          mark: { type: 'point', filled: true, size: 60, opacity: 1 },
          encoding: {
            x: { field: 'value', type: 'quantitative' },
            y: { field: 'mean', type: 'quantitative' },
            color: {
              field: 'as',
              type: 'nominal',
              legend: null,
              scale: { domain: ['as trained', 'changed'], range: [RED, BLUE] },
            },
          },
        },
      ],
    })),
    config: STYLE,
  };
  return await toPng(drawing);
}
