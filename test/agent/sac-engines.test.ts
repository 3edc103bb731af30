// The options of the update as engines compile them: each against the float64 reference, and to the byte where something is a copy or
// stays. Numbers are of fixed seeds, as test/compute/native/cases.ts says why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { evaluate, type Float64Record } from '../../src/compute/reference/evaluate.ts';
import { Pcg64 } from '../../src/math/pcg64.ts';
import { sacCase } from '../compute/native/cases.ts';
import { assertClose, setAll } from '../compute/support.ts';
import { trainingEngines } from './support/engines.ts';

const SIZES = { observation: 3, action: 2, hidden: [9, 5], batch: 7 };
/** Every option in at least one; few, since a compiler takes seconds for each the first time. */
const OPTIONS: readonly Readonly<Record<string, unknown>>[] = [
  {
    n_critics: 1,
    activation: 'tanh',
    layer_norm: 'critics',
    max_gradient_norm: 0.05,
    policy_delay: 2,
    target_update: 'hard',
  },
  { n_critics: 5, activation: 'elu', temperature: 0.2, max_gradient_norm: 1e3 },
  {
    variant: 'v1',
    activation: 'silu',
    layer_norm: 'all',
    observation_normalization: true,
    policy_delay: 2,
    target_update: 'hard',
  },
];
/** As test/compute/native/reference-updates.ts: a tenth of what one wrong or missing term would change. */
const FLOAT32 = { absolute: 2e-5, relative: 2e-5 };

for (const engine of trainingEngines) {
  for (const hyperparameters of OPTIONS) {
    test(`${engine.name}: updates with ${JSON.stringify(hyperparameters)} follow the reference`, async (t) => {
      const { graph, inputs, state } = sacCase(SIZES, hyperparameters);
      const program = await engine.compile(graph, { threads: 1 });
      t.after(() => program.dispose());
      const rng = Pcg64.fromSeed(11);
      setAll(program, graph, inputs(rng), state(rng));
      const now = (): Record<string, Float32Array> =>
        Object.fromEntries([...graph.state.keys()].map((name) => [name, program.peek(name).slice()]));
      const call = async (scalars: Record<string, number>) => {
        const given: Float64Record = {
          ...inputs(rng),
          ...Object.fromEntries(
            Object.entries(scalars)
              .filter(([name]) => graph.inputs.has(name))
              .map(([name, value]) => [name, Float64Array.of(Math.fround(value))]),
          ),
        };
        for (const [name, values] of Object.entries(given)) program.inputs[name]?.set(values);
        const before = now();
        const expected = evaluate(
          graph,
          given,
          Object.fromEntries(Object.entries(before).map(([name, values]) => [name, Float64Array.from(values)])),
        );
        await program.run();
        assert.deepEqual(program.nonFinite(), []);
        const after = now();
        for (const [name, values] of Object.entries(expected.outputs))
          assertClose(program.outputs[name] as Float32Array, values, FLOAT32, name);
        for (const [name, values] of Object.entries(expected.state))
          assertClose(after[name] as Float32Array, values, FLOAT32, `state ${name}`);
        return { before, after };
      };
      const isHard = hyperparameters['target_update'] === 'hard';
      for (const { gate, target } of [
        { gate: 0, target: 0 },
        { gate: 1, target: 1 },
        { gate: 0, target: 1 },
        { gate: 1, target: 0 },
      ]) {
        const targetStep = isHard ? target : 0.01 * target;
        const { before, after } = await call({ policyGate: gate, targetStep });
        const same = (names: readonly string[], what: string, is: boolean): void => {
          for (const name of names) assert.equal(isDeepStrictEqual(after[name], before[name]), is, `${what} ${name}`);
        };
        const delays = graph.inputs.has('policyGate');
        const policy = [...graph.state.keys()].filter((name) => /(^|\/)(actor|log_temperature)/.test(name));
        same(policy, 'policy', delays && gate === 0);
        same(
          [...graph.state.keys()].filter((name) => /(^|\/)(critic|value\/)/.test(name)),
          'critics',
          false,
        );
        const targets = [...graph.state.keys()].filter((name) => /^(target\d|value_target)/.test(name));
        assert.ok(targets.length > 0);
        same(targets, 'target', target === 0);
        if (!isHard || target === 0) continue;
        for (const name of targets) {
          const online = name.startsWith('value')
            ? name.replace('value_target', 'value')
            : name.replace('target', 'critic');
          assert.deepEqual(after[name], after[online], `${name} is a copy`);
        }
      }
    });
  }
}
