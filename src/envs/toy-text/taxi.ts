// Taxi-v4: fetch a passenger at one of four stands of a 5×5 town with walls, and set them down at another (Dietterich
// 2000). A step costs 1, a wrong pick-up or set-down 10; delivery pays 20 and ends the episode. The state is
// ((row · 5 + column) · 5 + passenger) · 4 + destination, passenger 4 being on board. In the rain a drive that is possible
// goes to its left or its right instead, with equal probability; a fickle passenger changes the destination at most once,
// with the first move on board. Table and order of draws are those of gymnasium/envs/toy_text/taxi.py (1.4.0).
// Info: `prob`, the probability of the transition that was taken; `action_mask`, 1 for actions that change something.
import { choice } from '../../math/draws.ts';
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { Transition } from '../tabular-model.ts';
import { taxiDrawing } from './drawings.ts';
import { type Direction, Grid } from './grid.ts';
import { TabularEnv, type TabularTask } from './tabular-env.ts';
import { taxiText } from './texts.ts';

const GRID = new Grid(5, 5);
/** South, north, east, west, and then: */
const DRIVES: readonly Direction[] = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
];
const PICK_UP = 4;
const SET_DOWN = 5;
/** Left and right of each drive. */
const SIDES: readonly (readonly [left: number, right: number])[] = [
  [2, 3],
  [3, 2],
  [1, 0],
  [0, 1],
];
/** Cells of the stands: red, green, yellow, blue. */
const STANDS = [0, 4, 20, 23];
const ON_BOARD = STANDS.length;
/** Cells with a wall to their east. */
const WALLS = new Set([1, 6, 15, 17, 20, 22]);

const DRAWING = taxiDrawing(GRID, { stands: STANDS, walls: WALLS });

const STEP_REWARD = -1;
const WRONG_REWARD = -10;
const DELIVERY_REWARD = 20;

const KWARGS = {
  is_rainy: { type: 'boolean', default: false, description: 'Whether the taxi may drift to either side.' },
  fickle_passenger: {
    type: 'boolean',
    default: false,
    description: 'Whether the passenger may change the destination.',
  },
  rainy_probability: {
    type: 'number',
    default: 0.8,
    minimum: 0,
    maximum: 1,
    description: 'Probability that a drive in the rain goes where it is meant.',
  },
  fickle_probability: {
    type: 'number',
    default: 0.3,
    minimum: 0,
    maximum: 1,
    description: 'Probability that a fickle passenger changes the destination.',
  },
} as const satisfies KwargSchemas;

interface Situation {
  readonly cell: number;
  /** The stand where the passenger waits, or ON_BOARD. */
  readonly passenger: number;
  /** A stand. */
  readonly destination: number;
}

const PASSENGERS = STANDS.length + 1;
const OBSERVATION_SPACE = new Discrete({ n: GRID.size * PASSENGERS * STANDS.length });
const ACTION_SPACE = new Discrete({ n: 6 });

const SPEC: EnvSpec = {
  id: 'Taxi-v4',
  summary: 'Fetch a passenger and take them to their destination, the short way.',
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: 200,
  rewardThreshold: 8,
  kwargsSchema: kwargsSchema(KWARGS),
  hasText: true,
};

function encode({ cell, passenger, destination }: Situation): number {
  return (cell * PASSENGERS + passenger) * STANDS.length + destination;
}

function decode(state: number): Situation {
  const rest = Math.floor(state / STANDS.length);
  return { cell: Math.floor(rest / PASSENGERS), passenger: rest % PASSENGERS, destination: state % STANDS.length };
}

/** The cell a drive leads to; walls and edges hold the taxi back. */
function drive(cell: number, direction: number): number {
  const next = GRID.move(cell, DRIVES[direction] as Direction);
  const walled = (direction === 2 && WALLS.has(cell)) || (direction === 3 && WALLS.has(next));
  return walled ? cell : next;
}

function pickUp(situation: Situation): Transition {
  const { cell, passenger } = situation;
  if (passenger === ON_BOARD || cell !== STANDS[passenger]) return [1, encode(situation), WRONG_REWARD, false];
  return [1, encode({ ...situation, passenger: ON_BOARD }), STEP_REWARD, false];
}

function setDown(situation: Situation): Transition {
  const stand = STANDS.indexOf(situation.cell);
  if (situation.passenger !== ON_BOARD || stand < 0) return [1, encode(situation), WRONG_REWARD, false];
  const delivered = stand === situation.destination;
  return [1, encode({ ...situation, passenger: stand }), delivered ? DELIVERY_REWARD : STEP_REWARD, delivered];
}

function outcomes(state: number, action: number, { is_rainy, rainy_probability }: Kwargs<typeof KWARGS>): Transition[] {
  const situation = decode(state);
  if (action === PICK_UP) return [pickUp(situation)];
  if (action === SET_DOWN) return [setDown(situation)];
  const to = (direction: number, probability: number): Transition => [
    probability,
    encode({ ...situation, cell: drive(situation.cell, direction) }),
    STEP_REWARD,
    false,
  ];
  if (!is_rainy) return [to(action, 1)];
  const aside = (1 - rainy_probability) / 2;
  // A taxi that cannot go where it is meant does not drift either.
  const [left, right] =
    drive(situation.cell, action) === situation.cell ? [action, action] : (SIDES[action] as readonly [number, number]);
  return [to(action, rainy_probability), to(left, aside), to(right, aside)];
}

function actionMask(state: number): number[] {
  const { cell, passenger } = decode(state);
  const stands = passenger === ON_BOARD ? STANDS.includes(cell) : cell === STANDS[passenger];
  return [
    ...DRIVES.map((_, direction) => (drive(cell, direction) === cell ? 0 : 1)),
    stands && passenger !== ON_BOARD ? 1 : 0,
    stands && passenger === ON_BOARD ? 1 : 0,
  ];
}

/** The state after the passenger's change of mind: on board before the move, and the taxi did move. */
const changeOfMind: NonNullable<TabularTask['whim']>['change'] = (state, next, rng) => {
  const [before, after] = [decode(state), decode(next)];
  if (before.passenger !== ON_BOARD || before.cell === after.cell) return undefined;
  const others = STANDS.map((_, stand) => stand).filter((stand) => stand !== before.destination);
  return encode({ ...after, destination: choice(rng, others) });
};

/** With cells for stands. */
function textSituation({ cell, passenger, destination }: Situation) {
  return { taxi: cell, passenger: STANDS[passenger] ?? null, destination: STANDS[destination] as number };
}

export function taxiTask(kwargs: Kwargs<typeof KWARGS>): TabularTask {
  const states = Array.from({ length: OBSERVATION_SPACE.n }, (_, state) => state);
  const starts = states.map((state) => {
    const { passenger, destination } = decode(state);
    return passenger !== ON_BOARD && passenger !== destination;
  });
  const count = starts.filter(Boolean).length;
  return {
    spec: SPEC,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,
    transitions: states.map((state) =>
      Array.from({ length: ACTION_SPACE.n }, (_, action) => outcomes(state, action, kwargs)),
    ),
    start: starts.map((possible) => (possible ? 1 / count : 0)),
    drawing: { ...DRAWING, draw: (canvas, state) => DRAWING.draw(canvas, decode(state)) },
    textOf: (state, lastAction) => taxiText(GRID, textSituation(decode(state)), lastAction),
    infoOf: (state) => ({ action_mask: actionMask(state) }),
    ...(kwargs.fickle_passenger && {
      beyondTable: 'a fickle passenger changes the destination at most once an episode. Leave fickle_passenger false.',
      whim: { draw: (rng) => rng.random() < kwargs.fickle_probability, change: changeOfMind },
    }),
  };
}

export const taxi: Registration = {
  spec: SPEC,
  make: async (kwargs) => new TabularEnv(taxiTask(resolveKwargs(SPEC.id, KWARGS, kwargs))),
};
