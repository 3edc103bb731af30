// FrozenLake-v1: cross a frozen lake to the goal without falling into a hole. On slippery ice a step goes where it is meant
// with probability `success_rate`, else to either side, equally likely. Holes and the goal end the episode. The state is
// row · columns + column. Table and order of draws are those of gymnasium/envs/toy_text/frozen_lake.py (1.4.0).
// Info: `prob`, the probability of the transition that was taken.
import type { EnvSpec } from '../env.ts';
import { type FreeKwarg, type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { Transition } from '../tabular-model.ts';
import { frozenLakeDrawing } from './drawings.ts';
import { generateRandomMap, MAPS, type RandomMap } from './frozen-map.ts';
import { type Direction, Grid } from './grid.ts';
import { TabularEnv, type TabularTask } from './tabular-env.ts';
import { frozenLakeText } from './texts.ts';

/** Left, down, right, up: neighbours in this list are perpendicular. */
const DIRECTIONS: readonly Direction[] = [
  [0, -1],
  [1, 0],
  [0, 1],
  [-1, 0],
];
/** Rows and columns a map may have; the table grows with their product. */
const MAX_SIZE = 64;
/** What Gymnasium draws where there is neither `desc` nor `map_name`. */
const DEFAULT_RANDOM_MAP: RandomMap = { size: 8, p: 0.8, seed: null };

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isInteger = (value: unknown, low: number, high: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;

function readRandomMap(value: object): RandomMap | undefined {
  const { size, p, seed, ...others } = { ...DEFAULT_RANDOM_MAP, ...value };
  if (!isInteger(size, 2, MAX_SIZE) || !isNumber(p) || p < 0 || p > 1 || Object.keys(others).length > 0)
    return undefined;
  return seed === null || isInteger(seed, 0, Number.MAX_SAFE_INTEGER) ? { size, p, seed } : undefined;
}

function readRows(rows: readonly unknown[]): readonly string[] | undefined {
  const width = typeof rows[0] === 'string' ? rows[0].length : 0;
  const fits = (row: unknown): row is string =>
    typeof row === 'string' && row.length === width && /^[SFHG]+$/.test(row);
  if (rows.length > MAX_SIZE || width > MAX_SIZE || !rows.every(fits)) return undefined;
  return rows.some((row) => row.includes('S')) ? rows : undefined;
}

const DESC: FreeKwarg<readonly string[] | RandomMap | null> = {
  type: 'free',
  schema: {
    anyOf: [
      { type: 'null' },
      {
        type: 'array',
        items: { type: 'string', pattern: '^[SFHG]+$', maxLength: MAX_SIZE },
        minItems: 1,
        maxItems: MAX_SIZE,
      },
      {
        type: 'object',
        properties: {
          size: { type: 'integer', minimum: 2, maximum: MAX_SIZE, default: DEFAULT_RANDOM_MAP.size },
          p: { type: 'number', minimum: 0, maximum: 1, default: DEFAULT_RANDOM_MAP.p },
          seed: { type: ['integer', 'null'], minimum: 0, default: null },
        },
        additionalProperties: false,
      },
    ],
  },
  default: null,
  description:
    'The map: rows of equal length of S(tart), F(rozen), H(ole) and G(oal); or the arguments of `generate_random_map`. Null leaves it to `map_name`.',
  wanted: `rows of equal length, at most ${MAX_SIZE} × ${MAX_SIZE}, of the letters S, F, H and G with an S among them, or {size, p, seed} of a random map, or null`,
  read(value) {
    if (value === null) return null;
    if (Array.isArray(value)) return readRows(value);
    return typeof value === 'object' ? readRandomMap(value as object) : undefined;
  },
};

const MAP_NAME: FreeKwarg<keyof typeof MAPS | null> = {
  type: 'free',
  schema: { enum: [...Object.keys(MAPS), null] },
  default: '4x4',
  description: 'A map by its name, where `desc` is null; null for a random one of 8 × 8.',
  wanted: '"4x4", "8x8" or null',
  read: (value) =>
    value === null || (typeof value === 'string' && Object.hasOwn(MAPS, value))
      ? (value as keyof typeof MAPS | null)
      : undefined,
};

const REWARD_SCHEDULE: FreeKwarg<readonly [goal: number, hole: number, frozen: number]> = {
  type: 'free',
  schema: { type: 'array', items: { type: 'number' }, minItems: 3, maxItems: 3 },
  default: [1, 0, 0],
  description: 'What it pays to reach the goal, a hole, and any other tile.',
  wanted: 'a list of three numbers, for goal, hole and frozen tiles',
  read: (value) =>
    Array.isArray(value) && value.length === 3 && value.every(isNumber)
      ? (value as [number, number, number])
      : undefined,
};

const KWARGS = {
  desc: DESC,
  map_name: MAP_NAME,
  is_slippery: { type: 'boolean', default: true, description: 'Whether a step may go to either side instead.' },
  success_rate: {
    type: 'number',
    default: 1 / 3,
    minimum: 0,
    maximum: 1,
    description: 'Probability that a step on slippery ice goes where it is meant.',
  },
  reward_schedule: REWARD_SCHEDULE,
} as const satisfies KwargSchemas;

const ACTION_SPACE = new Discrete({ n: DIRECTIONS.length });

const SPEC: EnvSpec = {
  id: 'FrozenLake-v1',
  summary: 'Cross a frozen lake to the goal without falling into a hole.',
  observationSpace: new Discrete({ n: 16 }).toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 100,
  rewardThreshold: 0.7,
  kwargsSchema: kwargsSchema(KWARGS),
  hasText: true,
};

/** Whether every environment of these arguments has a map of its own. */
function isMapUnseeded({ desc, map_name }: Kwargs<typeof KWARGS>): boolean {
  return desc === null ? map_name === null : 'size' in desc && desc.seed === null;
}

function mapOf({ desc, map_name }: Kwargs<typeof KWARGS>): readonly string[] {
  if (desc === null) return map_name === null ? generateRandomMap(DEFAULT_RANDOM_MAP) : MAPS[map_name];
  return 'size' in desc ? generateRandomMap(desc) : desc;
}

export function frozenLakeTask(kwargs: Kwargs<typeof KWARGS>): TabularTask {
  const map = mapOf(kwargs);
  const letters = map.join('');
  const grid = new Grid(map.length, letters.length / map.length);
  const [goal, hole, frozen] = kwargs.reward_schedule;
  const success = kwargs.success_rate;
  const fail = (1 - success) / 2;
  const turns = kwargs.is_slippery
    ? ([
        [3, fail],
        [0, success],
        [1, fail],
      ] as const)
    : ([[0, 1]] as const);

  const outcomes = (state: number, action: number): Transition[] => {
    if (isEnd(letters[state])) return [[1, state, 0, true]];
    return turns.map(([turn, probability]) => {
      const next = grid.move(state, DIRECTIONS[(action + turn) % 4] as Direction);
      const letter = letters[next];
      return [probability, next, letter === 'G' ? goal : letter === 'H' ? hole : frozen, isEnd(letter)];
    });
  };
  const starts = [...letters].filter((letter) => letter === 'S').length;
  const observationSpace = new Discrete({ n: grid.size });
  return {
    spec: { ...SPEC, observationSpace: observationSpace.toDocument() },
    observationSpace,
    actionSpace: ACTION_SPACE,
    transitions: Array.from(letters, (_, state) => DIRECTIONS.map((_, action) => outcomes(state, action))),
    start: Array.from(letters, (letter) => (letter === 'S' ? 1 / starts : 0)),
    drawing: frozenLakeDrawing(grid, letters),
    textOf: (state, lastAction) => frozenLakeText(grid, letters, state, lastAction),
    ...(isMapUnseeded(kwargs) && {
      beyondTable: 'its map is drawn anew whenever one is made. Give desc a seed, its rows, or map_name.',
    }),
    // A map without a seed is known to this environment alone.
    identity: new TextEncoder().encode(letters),
  };
}

function isEnd(letter: string | undefined): boolean {
  return letter === 'G' || letter === 'H';
}

export const frozenLake: Registration = {
  spec: SPEC,
  make: async (kwargs) => new TabularEnv(frozenLakeTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
