// Toy text as text: what Gymnasium's `ansi` prints (`_render_text` of gymnasium/envs/toy_text, 1.4.0), character for character.
import type { Grid } from './grid.ts';

/** Numbers of ANSI colours in the foreground; 10 more is the background. */
const COLORS = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35 } as const;

interface Style {
  readonly color: keyof typeof COLORS;
  readonly bold?: boolean;
  /** Colours the background. */
  readonly highlight?: boolean;
}

/** gymnasium/utils/colorize.py */
function colorize(text: string, { color, bold = false, highlight = false }: Style): string {
  const number = COLORS[color] + (highlight ? 10 : 0);
  return `\x1b[${number}${bold ? ';1' : ''}m${text}\x1b[0m`;
}

/** "(Left)" of the last action, an empty line before the first. */
function actionLine(names: readonly string[], lastAction: number | null): string {
  return lastAction === null ? '\n' : `  (${names[lastAction]})\n`;
}

export function frozenLakeText(grid: Grid, letters: string, state: number, lastAction: number | null): string {
  const tiles = [...letters];
  tiles[state] = colorize(tiles[state] as string, { color: 'red', highlight: true });
  const rows = Array.from({ length: grid.rows }, (_, row) =>
    tiles.slice(row * grid.columns, (row + 1) * grid.columns).join(''),
  );
  return `${actionLine(['Left', 'Down', 'Right', 'Up'], lastAction)}${rows.join('\n')}\n`;
}

export function cliffWalkingText(grid: Grid, { start, goal }: { start: number; goal: number }, state: number): string {
  const letterOf = (cell: number) =>
    cell === state ? 'x' : cell === goal ? 'T' : cell > start && cell < goal ? 'C' : 'o';
  const rows = Array.from({ length: grid.rows }, (_, row) =>
    Array.from({ length: grid.columns }, (_, column) => letterOf(row * grid.columns + column)).join('  '),
  );
  return `${rows.join('\n')}\n\n`;
}

const TOWN = ['+---------+', '|R: | : :G|', '| : | : : |', '| : : : : |', '| | : | : |', '|Y| : |B: |', '+---------+'];
const TAXI_ACTIONS = ['South', 'North', 'East', 'West', 'Pickup', 'Dropoff'];

/** All three are cells; `passenger` is null on board. */
export function taxiText(
  grid: Grid,
  { taxi, passenger, destination }: { taxi: number; passenger: number | null; destination: number },
  lastAction: number | null,
): string {
  const town = TOWN.map((row) => [...row]);
  const paint = (cell: number, style: Style, blank = ' ') => {
    const row = town[1 + Math.floor(cell / grid.columns)] as string[];
    const place = 2 * (cell % grid.columns) + 1;
    const tile = row[place] as string;
    row[place] = colorize(tile === ' ' ? blank : tile, style);
  };
  if (passenger === null) paint(taxi, { color: 'green', highlight: true }, '_');
  else {
    paint(taxi, { color: 'yellow', highlight: true });
    paint(passenger, { color: 'blue', bold: true });
  }
  paint(destination, { color: 'magenta' });
  return `${town.map((row) => row.join('')).join('\n')}\n${actionLine(TAXI_ACTIONS, lastAction)}`;
}
