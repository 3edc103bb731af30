// CliffWalking-v1 and CliffWalkingSlippery-v1: walk from the lower left to the lower right of a 4×12 grid, along a cliff
// that fills the lower row between them (Sutton & Barto, Example 6.6). A step costs 1; one over the edge costs 100 and
// leads back to the start; the goal ends the episode, and nothing else does. On slippery ground a step goes where it is
// meant or to either side, each with probability 1/3. Table and order of draws are those of
// gymnasium/envs/toy_text/cliffwalking.py (1.4.0), which sets no time limit.
// Info: `prob`, the probability of the transition that was taken.
import type { EnvSpec } from '../env.ts';
import { type KwargSchemas, type Kwargs, kwargsSchema, resolveKwargs } from '../kwargs.ts';
import type { Registration } from '../registration.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { Transition } from '../tabular-model.ts';
import { cliffWalkingDrawing } from './drawings.ts';
import { type Direction, Grid } from './grid.ts';
import { TabularEnv, type TabularTask } from './tabular-env.ts';
import { cliffWalkingText } from './texts.ts';

const GRID = new Grid(4, 12);
const START = 36;
const GOAL = 47;
/** Up, right, down, left: clockwise, so that neighbours in this list are perpendicular. */
const DIRECTIONS: readonly Direction[] = [
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
];

const OBSERVATION_SPACE = new Discrete({ n: GRID.size });
const ACTION_SPACE = new Discrete({ n: DIRECTIONS.length });

const kwargsOf = (slippery: boolean) =>
  ({
    is_slippery: { type: 'boolean', default: slippery, description: 'Whether a step may go to either side instead.' },
  }) as const satisfies KwargSchemas;

const specOf = (id: string, summary: string, slippery: boolean): EnvSpec => ({
  id,
  summary,
  observationSpace: OBSERVATION_SPACE.toDocument(),
  actionSpace: ACTION_SPACE.toDocument(),
  maxEpisodeSteps: null,
  rewardThreshold: null,
  kwargsSchema: kwargsSchema(kwargsOf(slippery)),
  hasText: true,
});

/** Where a step from `state` leads, whose probability is `probability`. */
function outcome(state: number, direction: Direction, probability: number): Transition {
  const next = GRID.move(state, direction);
  return next > START && next < GOAL ? [probability, START, -100, false] : [probability, next, -1, next === GOAL];
}

export function cliffWalkingTask(spec: EnvSpec, { is_slippery }: Kwargs<ReturnType<typeof kwargsOf>>): TabularTask {
  const turns = is_slippery ? [3, 0, 1] : [0];
  const outcomes = (state: number, action: number) =>
    turns.map((turn) => outcome(state, DIRECTIONS[(action + turn) % 4] as Direction, 1 / turns.length));
  const states = Array.from({ length: GRID.size }, (_, state) => state);
  return {
    spec,
    observationSpace: OBSERVATION_SPACE,
    actionSpace: ACTION_SPACE,
    transitions: states.map((state) => DIRECTIONS.map((_, action) => outcomes(state, action))),
    start: states.map((state) => (state === START ? 1 : 0)),
    drawing: cliffWalkingDrawing(GRID, START, GOAL),
    textOf: (state) => cliffWalkingText(GRID, { start: START, goal: GOAL }, state),
  };
}

function register(spec: EnvSpec, slippery: boolean): Registration {
  const schemas = kwargsOf(slippery);
  return {
    spec,
    make: async (kwargs) => new TabularEnv(cliffWalkingTask(spec, resolveKwargs(spec.id, schemas, kwargs))),
  };
}

export const cliffWalking = register(
  specOf('CliffWalking-v1', 'Walk along a cliff to the goal without falling off.', false),
  false,
);
export const cliffWalkingSlippery = register(
  specOf('CliffWalkingSlippery-v1', 'Walk along a cliff to the goal, on slippery ground.', true),
  true,
);
