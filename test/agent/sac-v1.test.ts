// The form of 2018 (arXiv:1801.01290): the same update written a second time, and problems whose answer is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optimisedPacks, packsOf, settingsOf } from '../../src/agent/algorithms/sac/networks.ts';
import { sac } from '../../src/agent/algorithms/sac/sac.ts';
import { adamScalars } from '../../src/agent/nn/adam.ts';
import { onnxCpuEngine } from '../../src/compute/onnx/engine.ts';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { trace } from '../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sizeOf } from '../../src/math/tensor.ts';
import { drawFor, updateOf } from '../compute/programs/program.ts';
import { sacV1 } from '../compute/programs/sac-v1.ts';
import { assertClose } from '../compute/support.ts';
import { sacUpdate, spacesOf } from '../support/sac-graph.ts';
import { freshSeed } from '../support/seed.ts';
import { learnerOf, starting, stepAll, type World } from './support/learners.ts';

test('an update of v1 is that of the program in test/compute/programs, which shares no line with it', (context) => {
  const rng = Pcg64.fromSeed(freshSeed(context));
  const [batch, observation, action, hidden] = [6, 3, 2, 5];
  const theirs = sacV1.make({ batch, observation, action, hidden });
  const runnable = updateOf(theirs);
  const { state, inputs } = drawFor(theirs, runnable, rng);
  const expected = evaluate(trace(runnable.program, runnable.signature), inputs, state);

  const spaces = spacesOf(observation, action);
  const given = { variant: 'v1', hidden_sizes: [hidden, hidden], batch_size: batch };
  const packs = packsOf(settingsOf(sac.resolve(given, 'none'), spaces).architecture);
  const optimised = optimisedPacks(packs);
  /** Their name of one of ours, such as `q1/w0` of `critic1/0/kernel`. */
  const theirName = (name: string): string => {
    const [network = '', layer, part] = name.split('/');
    const named = { critic1: 'q1', critic2: 'q2', value_target: 'target' }[network] ?? network;
    return `${named}/${part === 'kernel' ? 'w' : 'b'}${layer}`;
  };
  const packed = (from: Float64Record): Float64Record =>
    Object.fromEntries(
      [...optimised, ...packs.targets].flatMap(({ name, shape, places }) => {
        const gather = (prefix: string, factor: number): Float64Array => {
          const values = new Float64Array(sizeOf(shape));
          for (const place of places)
            values.set(
              (from[`${prefix}${theirName(place.name)}`] as Float64Array).map((x) => factor * x),
              place.offset,
            );
          return values;
        };
        const isTarget = packs.targets.some((target) => target.name === name);
        // Sums of gradients here, decayed means there.
        const moments = isTarget
          ? []
          : [[`m/${name}`, gather('m/', 10)] as const, [`v/${name}`, gather('v/', 1000)] as const];
        return [[name, gather('', 1)] as const, ...moments];
      }),
    );
  // Theirs is Adam without the corrections of its start: θ − 0.01·m/(√v + 1e-8), which of sums is this.
  const adam = { step: (0.01 * 0.1) / Math.sqrt(0.001), epsilon: 1e-8 / Math.sqrt(0.001) };
  const actual = evaluate(
    sacUpdate(spaces, given),
    {
      observation: inputs['observation'] as Float64Array,
      action: inputs['action'] as Float64Array,
      reward: inputs['reward'] as Float64Array,
      nextObservation: inputs['nextObservation'] as Float64Array,
      noise: inputs['noise'] as Float64Array,
      bootstrap: (inputs['terminated'] as Float64Array).map((ended) => 0.99 * (1 - ended)),
      actorStep: Float64Array.of(adam.step),
      criticStep: Float64Array.of(adam.step),
      criticEpsilon: Float64Array.of(adam.epsilon),
      policyEpsilon: Float64Array.of(adam.epsilon),
      targetStep: Float64Array.of(0.05),
    },
    packed(state),
  );
  // Numbers that a program has in itself are float32, and the two have others (0.1, 0.001): 6e-8 of steps of up to 0.1 in each of
  // hundreds of parameters. A wrong term or order is 1e-3.
  const close = { absolute: 2e-6, relative: 1e-6 };
  for (const [mine, their] of [
    ['loss/critic', 'loss/critics'],
    ['loss/actor', 'loss/policy'],
    ['loss/value', 'loss/value'],
  ] as const)
    assertClose(actual.outputs[mine] as Float64Array, expected.outputs[their] as Float64Array, close, mine);
  const after = packed(expected.state);
  assert.deepEqual(new Set(Object.keys(actual.state)), new Set(Object.keys(after)));
  for (const [name, values] of Object.entries(after))
    assertClose(actual.state[name] as Float64Array, values, close, name);
});

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** One-step episodes. */
const bandit = (reward: (action: number) => number): World => ({
  observe: () => new Float64Array(1),
  step: ([action = 0]) => ({
    reward: reward(action),
    nextObservation: new Float64Array(1),
    terminated: true,
    truncated: false,
  }),
});

const LEARNING = { hidden_sizes: [32, 32], batch_size: 64, learning_starts: 64, learning_rate: 3e-3 };

for (const scale of [4, 20]) {
  test(`v1 plays a bandit with reward −1.25(a − 0.3)² as exp(${scale}·r), the form with α = 1`, async () => {
    // π*(a) ∝ exp(−1.25·scale·(a − 0.3)²): a normal with standard deviation 1/√(2.5·scale), cut at ±1, its moments by quadrature.
    const density = (a: number): number => Math.exp(scale * -1.25 * (a - 0.3) ** 2);
    const points = Array.from({ length: 4001 }, (_, i) => -1 + i / 2000);
    const total = points.reduce((sum, a) => sum + density(a), 0);
    const centre = points.reduce((sum, a) => sum + a * density(a), 0) / total;
    const spread = Math.sqrt(points.reduce((sum, a) => sum + (a - centre) ** 2 * density(a), 0) / total);
    const start = {
      ...starting(61, { ...LEARNING, variant: 'v1', reward_scale: scale }, { spaces: spacesOf(1, 1) }),
    };
    const learner = await learnerOf(start);
    const world = bandit((action) => -1.25 * (action - 0.3) ** 2);
    for (let step = 0; step < 900; step += 1) await stepAll(learner, [world]);
    const policy = await sac.createPolicy({ ...start, engine: onnxCpuEngine, state: learner.policyState() });
    const actions = await policy.act(new Float64Array(2000), { deterministic: false, rng: Pcg64.fromSeed(3) });
    const found = { centre: mean(actions), spread: Math.sqrt(mean(actions.map((a) => (a - mean(actions)) ** 2))) };
    // A small network after 836 updates of a fixed seed; the other scale's spread is off by 2.
    const said = `${JSON.stringify(found)}, expected ${centre} and ${spread}`;
    assert.ok(Math.abs(found.centre - centre) < 0.1, said);
    assert.ok(found.spread / spread > 0.75 && found.spread / spread < 1.33, said);
    assert.equal(learner.takeMetrics()['alpha'], 1);
    await Promise.all([learner.dispose(), policy.dispose()]);
  });
}

for (const [ending, value] of [
  ['terminated', 1],
  ['truncated', 2],
] as const) {
  test(`v1: a reward of 1 a step with γ = ½ is worth ${value} where every episode is ${ending} after one step`, async () => {
    const given = {
      ...LEARNING,
      variant: 'v1',
      learning_rate: 1e-2,
      discount: 0.5,
      temperature: 0,
      target_smoothing: 0.1,
    };
    const learner = await learnerOf(starting(62, given, { spaces: spacesOf(1, 1) }));
    const here = Float64Array.of(0.3);
    const end = { terminated: ending === 'terminated', truncated: ending === 'truncated' };
    const world = { observe: () => here, step: () => ({ reward: 1, nextObservation: here, ...end }) };
    for (let step = 0; step < 450; step += 1) await stepAll(learner, [world]);
    learner.takeMetrics();
    for (let step = 0; step < 10; step += 1) await stepAll(learner, [world]);
    const { q } = learner.takeMetrics();
    assert.ok(Math.abs((q as number) - value) < 0.05, `Q ${q}`);
    await learner.dispose();
  });
}

test('v1 counts the entropy of its policy: with α = ½ a step is worth its reward and half the entropy of what follows', async () => {
  // γ = ½, no rewards, one state without an end: V = α·H + γ·V at the best policy, which is uniform on (−1, 1), H = log 2. So V = log 2,
  // and Q = γ·V = ½ log 2.
  const given = {
    ...LEARNING,
    variant: 'v1',
    learning_rate: 5e-3,
    discount: 0.5,
    temperature: 0.5,
    target_smoothing: 0.1,
  };
  const learner = await learnerOf(starting(63, given, { spaces: spacesOf(1, 1) }));
  const here = Float64Array.of(0.3);
  const world = {
    observe: () => here,
    step: () => ({ reward: 0, nextObservation: here, terminated: false, truncated: false }),
  };
  for (let step = 0; step < 700; step += 1) await stepAll(learner, [world]);
  learner.takeMetrics();
  for (let step = 0; step < 50; step += 1) await stepAll(learner, [world]);
  const { q = 0, entropy = 0 } = learner.takeMetrics();
  // A squashed normal comes near a uniform one: within 0.02 nats at best.
  assert.ok(Math.abs(entropy - Math.LN2) < 0.08, `entropy ${entropy}`);
  assert.ok(Math.abs(q - 0.5 * Math.LN2) < 0.05, `Q ${q}`);
  await learner.dispose();
});

test("Adam's scalars of a step are those of its paper, whatever the step", () => {
  for (const t of [1, 2, 10, 1000, 1e6]) {
    const { stepPerRate, epsilon } = adamScalars(t);
    const [g, rate] = [0.3, 1e-3];
    // A gradient that is the same in each step: sums of the geometric series.
    const [m, v] = [(g * (1 - 0.9 ** t)) / 0.1, (g ** 2 * (1 - 0.999 ** t)) / 0.001];
    const step = (rate * stepPerRate * m) / (Math.sqrt(v) + epsilon);
    assert.ok(Math.abs(step - (rate * g) / (g + 1e-8)) < 1e-14, `${t}: ${step}`);
  }
});
