// Pictures of the report: Vega-Lite draws the SVG, resvg the pixels, with a font of its own, so that equal numbers are equal bytes
// on every machine.
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

/** Okabe and Ito's, which colour-blind readers can tell apart. */
export const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#999999'];
const PIXELS_WIDE = 1600;
const require = createRequire(import.meta.url);
const FONT_FILES = [
  require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
  require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
];

export const STYLE: Config = {
  font: 'DejaVu Sans',
  title: {
    anchor: 'start',
    frame: 'group',
    fontSize: 17,
    subtitleFontSize: 12,
    subtitleColor: '#555555',
    subtitlePadding: 6,
    offset: 14,
  },
  axis: {
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    titlePadding: 10,
    gridColor: '#e6e6e6',
    domainColor: '#888888',
    tickColor: '#888888',
  },
  axisY: { minExtent: 56, maxExtent: 56 },
  legend: { labelFontSize: 12, symbolType: 'stroke', symbolStrokeWidth: 3, rowPadding: 3, padding: 0 },
  view: { stroke: null },
};

export async function toPng(drawing: TopLevelSpec): Promise<Buffer> {
  const { spec } = compile(drawing, { logger: QUIET });
  const view = new View(parse(spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  const image = new Resvg(svg, {
    fitTo: { mode: 'width', value: PIXELS_WIDE },
    font: { fontFiles: FONT_FILES, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
  });
  return image.render().asPng();
}

const QUIET = {
  level: () => QUIET,
  error: (...words: readonly unknown[]) => {
    throw new Error(words.join(' '));
  },
  warn: () => QUIET,
  info: () => QUIET,
  debug: () => QUIET,
};
