// Every form of the update against the same thing in plain numbers: what it computes, in which order, and what it leaves alone. The
// traced program runs on the float64 reference here; that engines follow the reference is in sac-engines.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optimisedPacks, packsOf, settingsOf } from '../../src/agent/algorithms/sac/networks.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { adamScalars } from '../../src/agent/nn/adam.ts';
import type { Pack } from '../../src/agent/nn/packing.ts';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';
import { assertClose, uniform } from '../compute/support.ts';
import { sacUpdate, spacesOf } from '../support/sac-graph.ts';
import { freshSeed } from '../support/seed.ts';
import { type Numbers, type PlainInputs, plainUpdate } from './support/plain-sac.ts';

const [OBSERVATION, ACTION, BATCH] = [3, 2, 4];
const SPACES = spacesOf(OBSERVATION, ACTION);

type Given = Readonly<Record<string, unknown>>;
interface Form {
  readonly given: Given;
  readonly movesPolicy?: boolean;
  readonly targetStep?: number;
}

const FORMS: readonly Form[] = [
  { given: {} },
  { given: { temperature: 0.3, n_critics: 1 } },
  { given: { n_critics: 5, activation: 'tanh' } },
  { given: { layer_norm: 'critics', activation: 'elu' } },
  { given: { layer_norm: 'all', activation: 'silu', n_critics: 3 } },
  { given: { layer_norm: 'all' } },
  { given: { max_gradient_norm: 0.05 } },
  { given: { max_gradient_norm: 1e6 } },
  { given: { policy_delay: 3, target_update: 'hard' }, movesPolicy: false, targetStep: 0 },
  { given: { policy_delay: 3, target_update: 'hard' }, targetStep: 1 },
  { given: { observation_normalization: true, target_entropy: 1.5 }, targetStep: 0 },
  { given: { variant: 'v1' } },
  { given: { variant: 'v1', n_critics: 1, activation: 'elu', max_gradient_norm: 0.05 } },
  { given: { variant: 'v1', n_critics: 3, layer_norm: 'critics', activation: 'silu', temperature: 0.2 } },
  { given: { variant: 'v1', layer_norm: 'all', activation: 'tanh', observation_normalization: true } },
  { given: { variant: 'v1', policy_delay: 2, target_update: 'hard' }, movesPolicy: false, targetStep: 1 },
];

interface Setup {
  readonly graph: ReturnType<typeof sacUpdate>;
  readonly packs: ReturnType<typeof packsOf>;
  readonly settings: ReturnType<typeof settingsOf>;
}

function setupOf(given: Given): Setup {
  const own = { hidden_sizes: [4, 3], batch_size: BATCH, ...given };
  const settings = settingsOf(sac.resolve(own, 'none'), SPACES);
  return { graph: sacUpdate(SPACES, own), packs: packsOf(settings.architecture), settings };
}

/** Weights of the size that networks begin with, and second moments that no step hangs on the sign of rounding noise of. */
function drawState({ graph }: Setup, rng: Pcg64): Float64Record {
  return Object.fromEntries(
    [...graph.state].map(([name, { before }]) => [
      name,
      name.startsWith('v/') ? uniform(rng, before.shape, 1, 20) : uniform(rng, before.shape, -0.8, 0.8),
    ]),
  );
}

function drawInputs({ graph }: Setup, rng: Pcg64): Record<string, Float64Array> {
  const drawn = Object.fromEntries([...graph.inputs].map(([name, { shape }]) => [name, uniform(rng, shape, -1, 1)]));
  return {
    ...drawn,
    // One episode ends here, the others go on.
    bootstrap: Float64Array.from({ length: BATCH }, (_, row) => (row === 1 ? 0 : 0.99)),
    // Some of these observations lie beyond the ±10 where they are clipped.
    ...(drawn['observationScale'] && { observationScale: uniform(rng, [OBSERVATION], 0.5, 30) }),
  };
}

/** Parameters by name out of packs; `factor` makes the paper's moments of the sums that packs hold. */
function unpack(packs: readonly Pack[], state: Float64Record, prefix = '', factor = 1): Numbers {
  return new Map(
    packs.flatMap((pack) =>
      pack.places.map(({ name, shape, offset }): [string, number[]] => {
        const held = state[`${prefix}${pack.name}`] as Float64Array;
        return [name, Array.from(held.subarray(offset, offset + sizeOf(shape)), (value) => factor * value)];
      }),
    ),
  );
}

const rowsOf = (values: Float64Array | undefined, width: number): number[][] =>
  Array.from({ length: BATCH }, (_, row) => Array.from(values ?? []).slice(row * width, (row + 1) * width));

for (const { given, movesPolicy = true, targetStep = 0.05 } of FORMS) {
  const more = movesPolicy ? '' : ', an update without the policy';
  test(`an update with ${JSON.stringify(given)} is that of plain numbers${more}`, (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const setup = setupOf(given);
    const { graph, packs, settings } = setup;
    const [state, drawn] = [drawState(setup, rng), drawInputs(setup, rng)];
    const rates = { actor: 0.01, critic: 0.02, temperature: 0.03 };
    const steps = { critic: 7, policy: 3 };
    const [critic, policy] = [adamScalars(steps.critic), adamScalars(steps.policy)];
    const scalars = {
      actorStep: rates.actor * policy.stepPerRate,
      criticStep: rates.critic * critic.stepPerRate,
      temperatureStep: rates.temperature * policy.stepPerRate,
      criticEpsilon: critic.epsilon,
      policyEpsilon: policy.epsilon,
      policyGate: Number(movesPolicy),
      targetStep,
    };
    for (const [name, value] of Object.entries(scalars)) if (name in drawn) drawn[name] = Float64Array.of(value);
    const actual = evaluate(graph, drawn, state);

    const seen = (values: Float64Array | undefined): number[][] =>
      rowsOf(values, OBSERVATION).map((row) =>
        row.map((value, i) => {
          if (drawn['observationMean'] === undefined) return value;
          const scaled = (value - (drawn['observationMean'][i] as number)) * (drawn['observationScale']?.[i] as number);
          return Math.min(10, Math.max(-10, scaled));
        }),
      );
    const inputs: PlainInputs = {
      observation: seen(drawn['observation']),
      nextObservation: seen(drawn['nextObservation']),
      action: rowsOf(drawn['action'], ACTION),
      noise: rowsOf(drawn['noise'], ACTION),
      nextNoise: rowsOf(drawn['nextNoise'], ACTION),
      reward: [...(drawn['reward'] as Float64Array)],
      bootstrap: [...(drawn['bootstrap'] as Float64Array)],
      rates,
      steps,
      movesPolicy,
      targetStep,
    };
    const optimised = optimisedPacks(packs);
    const all = [...optimised, ...packs.targets];
    const expected = plainUpdate(
      { ...settings.config, observation: OBSERVATION, action: ACTION, batch: BATCH },
      {
        parameters: unpack(all, state),
        m: unpack(optimised, state, 'm/', 0.1),
        v: unpack(optimised, state, 'v/', 0.001),
      },
      inputs,
    );

    assert.deepEqual(new Set(Object.keys(actual.outputs)), new Set(Object.keys(expected.outputs)));
    for (const [name, value] of Object.entries(expected.outputs))
      assertClose(actual.outputs[name] as Float64Array, [value], TOLERANCE, name);
    for (const [what, mine, theirs] of [
      ['', unpack(all, actual.state), expected.state.parameters],
      ['m/', unpack(optimised, actual.state, 'm/', 0.1), expected.state.m],
      ['v/', unpack(optimised, actual.state, 'v/', 0.001), expected.state.v],
    ] as const) {
      assert.deepEqual(new Set(mine.keys()), new Set(theirs.keys()));
      for (const [name, values] of theirs) assertClose(mine.get(name) as number[], values, TOLERANCE, `${what}${name}`);
    }
    if (!movesPolicy) {
      for (const { name } of [...packs.actor, ...packs.temperature])
        for (const part of [name, `m/${name}`, `v/${name}`]) assert.deepEqual(actual.state[part], state[part], part);
    }
  });
}

/**
 * Differences find a gradient to 1e-8 of the loss, which is up to 100 where observations are ±10; constants of a program are float32;
 * clipping shortens to 1e-6 under the norm (as PyTorch does). A wrong term is 1e-3.
 */
const TOLERANCE = { absolute: 5e-6, relative: 2e-5 };

test('v1 in order: value, critics, policy, targets; each step uses what is before it, and no step what comes later', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  // Units of tanh never die: with ReLU a drawn critic can be flat in the action, and its step then moves no gradient of the policy.
  const setup = setupOf({ variant: 'v1', activation: 'tanh' });
  const state = drawState(setup, rng);
  const scalars = ['actorStep', 'criticStep', 'targetStep'].map((name) => [name, Float64Array.of(0)] as const);
  const inputs = { ...drawInputs(setup, rng), ...Object.fromEntries(scalars) };
  inputs['criticEpsilon'] = inputs['policyEpsilon'] = Float64Array.of(1e-8);
  const run = (more: Float64Record, from = state) => evaluate(setup.graph, { ...inputs, ...more }, from);
  const still = run({});
  const changed = ({ outputs }: ReturnType<typeof run>): string[] =>
    Object.keys(outputs).filter((name) => outputs[name]?.[0] !== still.outputs[name]?.[0]);
  const moved = Float64Array.of(0.01);
  // One rate moves value and critics; neither sees the other's step, only the policy sees that of the critics.
  assert.deepEqual(changed(run({ criticStep: moved })), ['loss/actor', 'gradient_norm/actor']);
  assert.deepEqual(changed(run({ actorStep: moved })), []);
  // Targets last, of the value network alone; what the critics regress on is the target before.
  const { state: next } = run({ criticStep: moved, targetStep: Float64Array.of(1) });
  assertClose(next['value_target/rest'] ?? [], next['value/rest'] ?? [], { absolute: 1e-14, relative: 0 }, 'target');
  assert.notDeepEqual(next['value/rest'], state['value/rest']);
  const shifted = (name: string): Float64Record => ({
    ...state,
    [name]: (state[name] as Float64Array).map((w) => w + 0.1),
  });
  // What each network reaches, were it another one.
  assert.deepEqual(changed(run({}, shifted('value_target/rest'))), ['loss/critic', 'gradient_norm/critic']);
  assert.deepEqual(changed(run({}, shifted('value/rest'))), ['loss/value', 'gradient_norm/value']);
});

for (const variant of ['v1', 'v2']) {
  test(`${variant}: the policy climbs the smallest critic, whichever it is, and not the first or their mean`, (context) => {
    const rng = Pcg64.fromSeed(freshSeed(context));
    const setup = setupOf({ variant, n_critics: 3, temperature: 0.1 });
    const state = drawState(setup, rng);
    const still = Object.fromEntries(
      ['actorStep', 'criticStep', 'targetStep'].map((name) => [name, Float64Array.of(0)]),
    );
    const inputs = { ...drawInputs(setup, rng), ...still };
    const lossWith = (least: number): number[] =>
      [1, 2, 3].map((raised) => {
        const moved: Record<string, Float64Array> = { ...state };
        for (const critic of [1, 2, 3]) {
          const pack = setup.packs.critics.find(({ name }) => name === `critic${critic}/rest`) as Pack;
          const place = pack.places.find(({ name }) => name.endsWith('/2/bias'));
          const values = (state[pack.name] as Float64Array).slice();
          // So far apart that one is the smallest everywhere; then one is raised a little.
          values[place?.offset as number] = (critic === least ? -50 : 50) + (critic === raised ? 0.5 : 0);
          moved[pack.name] = values;
        }
        return evaluate(setup.graph, inputs, moved).outputs['loss/actor']?.[0] as number;
      });
    for (const least of [1, 2, 3]) {
      const losses = lossWith(least);
      const others = losses.filter((_, index) => index !== least - 1);
      assert.equal(others[0], others[1]);
      assert.ok(Math.abs((others[0] as number) - (losses[least - 1] as number) - 0.5) < 1e-9, `${losses}`);
    }
  });
}
