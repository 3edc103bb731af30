// What the generator of C decides: which nodes share a step, where threads wait, what is written in place and where memory is used
// again. Nothing is compiled here; that a plan computes the right numbers is simulate.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { Graph, Node } from '../../../src/compute/graph.ts';
import { type Arena, layOut } from '../../../src/compute/native/lower/arena.ts';
import { buildSteps } from '../../../src/compute/native/lower/build-steps.ts';
import { canonical } from '../../../src/compute/native/lower/canonical.ts';
import { lower } from '../../../src/compute/native/lower/lower.ts';
import { type Plan, schedule } from '../../../src/compute/native/lower/schedule.ts';
import { reads, type Step, type Steps, writes } from '../../../src/compute/native/lower/steps.ts';
import type { Buffer } from '../../../src/compute/native/lower/views.ts';
import { nodeMaker } from '../../../src/compute/nodes.ts';
import { optimize } from '../../../src/compute/passes/optimize.ts';
import { trace } from '../../../src/compute/trace/trace.ts';
import { Pcg64 } from '../../../src/math/pcg64.ts';
import { sacUpdate, spacesOf } from '../../support/sac-graph.ts';
import { freshSeed } from '../../support/seed.ts';
import { randomGraph } from './random-graph.ts';

const TARGET = { width: 8, registers: 16 };

interface Planned {
  readonly steps: Steps;
  readonly plan: Plan;
  readonly arena: Arena;
  /** Labels by phase. */
  readonly phases: readonly (readonly string[])[];
}

function planned(graph: Graph): Planned {
  const steps = buildSteps(canonical(optimize(graph)));
  const plan = schedule(steps);
  return {
    steps,
    plan,
    arena: layOut(steps, plan),
    phases: plan.phases.map((phase) => phase.map(({ label }) => label)),
  };
}

const text = (graph: Graph): string => lower(optimize(graph), TARGET).source;

test('a bias, a ReLU and more that follows a product are in its step', () => {
  const { phases } = planned(
    trace((_, { x, w, b }) => ({ y: tf.relu(tf.add(tf.matMul(x, w), b)) }), {
      state: {},
      inputs: { x: [64, 16], w: [16, 32], b: [32] },
    }),
  );
  assert.deepEqual(phases, [['matmul add relu']]);
});

test('element-wise work of one shape is one step, and so is a reduction with what follows it', () => {
  const { phases } = planned(
    trace((_, { x, y }) => ({ z: tf.tanh(tf.mul(tf.add(x, y), tf.exp(x))), m: tf.sqrt(tf.mean(tf.square(y), 1)) }), {
      state: {},
      inputs: { x: [33, 7], y: [33, 7] },
    }),
  );
  assert.deepEqual(phases.flat().sort(), ['add exp mul tanh', 'mul', 'sum mul sqrt']);
});

test('what needs the whole of a product is not in its step', () => {
  // y − max(y) as one step would need itself.
  const { phases } = planned(
    trace(
      (_, { x, w }) => {
        const y = tf.relu(tf.matMul(x, w));
        return { z: tf.exp(tf.sub(y, tf.max(y, 1, true))) };
      },
      { state: {}, inputs: { x: [64, 16], w: [16, 32] } },
    ),
  );
  assert.deepEqual(phases.flat(), ['matmul relu', 'max', 'sub exp']);
});

const layers = (x: tf.Tensor, weights: readonly tf.Tensor[]): tf.Tensor =>
  weights.reduce((at: tf.Tensor, w) => tf.relu(tf.matMul(at as tf.Tensor2D, w as tf.Tensor2D)), x);

test('layers in a row need no barrier: a thread reads the rows that it wrote', () => {
  const { phases } = planned(
    trace((_, { x, a, b, c }) => ({ y: layers(x, [a, b, c]) }), {
      state: {},
      inputs: { x: [128, 16], a: [16, 32], b: [32, 24], c: [24, 40] },
    }),
  );
  assert.deepEqual(phases, [['matmul relu', 'matmul relu', 'matmul relu']]);
});

test('a product over all rows waits for all threads', () => {
  const { phases } = planned(
    trace(
      (_, { x, a }) => {
        const y = layers(x, [a]);
        return { gradient: tf.matMul(y as tf.Tensor2D, y as tf.Tensor2D, true) };
      },
      { state: {}, inputs: { x: [128, 16], a: [16, 72] } },
    ),
  );
  assert.deepEqual(phases, [['matmul relu'], ['matmul']]);
});

/** Gradient descent on two layers: the first layer's gradient goes through the second's weights, transposed. */
const descent = (): Graph =>
  trace(
    ({ a, b }, { x }) => {
      const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(layers(x, [a, b]))) as tf.Scalar, [a, b]);
      for (const one of [a, b]) one.assign(tf.sub(one, tf.mul(grads[one.name] as tf.Tensor, 0.1)));
      return { loss: value };
    },
    { state: { a: [16, 33], b: [33, 47] }, inputs: { x: [128, 16] } },
  );

const stepsOf = ({ phases }: Plan): readonly Step[] => phases.flat();
const resolve = (buffer: Buffer, { aliases }: Plan): Buffer => {
  const other = aliases.get(buffer);
  return other === undefined ? buffer : resolve(other, { aliases } as Plan);
};

test('parameters are written where they are', () => {
  const { steps, plan } = planned(descent());
  assert.equal(steps.next.size, 2);
  for (const [next, state] of steps.next) assert.equal(resolve(next, plan), state);
  assert.ok(!stepsOf(plan).some(({ label }) => label === 'next state'));
});

test('a transposed weight is kept, made anew where the weight is written, and before the first call', () => {
  const { steps, plan } = planned(descent());
  assert.deepEqual(
    plan.prepare.map(({ kind, label }) => [kind, label]),
    [['transpose', 'transposed for a product']],
  );
  const [kept] = plan.residents as [Buffer];
  assert.equal(plan.residents.length, 1);
  assert.equal((writes(plan.prepare[0] as Step)[0] as { buffer: Buffer }).buffer, kept);
  const transposes = stepsOf(plan).filter(({ kind }) => kind === 'transpose');
  assert.equal(transposes.length, 1);
  const [again] = transposes as [Step];
  assert.equal(resolve((writes(again)[0] as { buffer: Buffer }).buffer, plan), kept);
  assert.equal(resolve((reads(again)[0] as { buffer: Buffer }).buffer, plan), steps.state.get('b'));
});

test('a state that is read in other places than it is written is copied last', () => {
  const { plan } = planned(
    trace(
      ({ turned }) => {
        turned.assign(tf.transpose(turned) as tf.Tensor);
        return { sum: tf.sum(turned) };
      },
      { state: { turned: [40, 40] }, inputs: {} },
    ),
  );
  const { phases } = plan;
  assert.ok(phases.length > 1);
  assert.equal(phases.at(-1)?.at(-1)?.label, 'next state');
});

test('states that change places are not written over each other', () => {
  const { steps, plan } = planned(
    trace(
      ({ a, b }) => {
        const held = tf.clone(a);
        a.assign(tf.neg(b));
        b.assign(tf.neg(held));
        return {};
      },
      { state: { a: [40], b: [40] }, inputs: {} },
    ),
  );
  const copies = stepsOf(plan).filter(({ label }) => label === 'next state');
  const inPlace = [...steps.next].filter(([next, state]) => resolve(next, plan) === state);
  assert.equal(copies.length + inPlace.length, 2);
  assert.ok(copies.length >= 1);
});

test('no two buffers in use at one time lie on each other, in graphs drawn at random and in an update', (context) => {
  const seed = freshSeed(context);
  const drawn = Array.from({ length: 60 }, (_, index) => {
    const rng = Pcg64.fromSeed(seed * 100 + index);
    return randomGraph(rng, 10 + rng.integers(0, 50));
  });
  for (const [index, graph] of [...drawn, update()].entries()) {
    const { steps, plan, arena } = planned(graph);
    const spans = livesOf(steps, plan).map(([buffer, from, to]) => {
      const start = arena.place(buffer);
      assert.equal(start % 16, 0);
      assert.ok(start >= 0 && start + buffer.size <= arena.size);
      return { buffer, from, to, start, end: start + buffer.size };
    });
    spans.sort((a, b) => a.start - b.start);
    for (const [place, a] of spans.entries())
      for (const b of spans.slice(place + 1)) {
        if (b.start >= a.end) break;
        assert.ok(
          a.to < b.from || b.to < a.from,
          `seed ${seed}, graph ${index}: buffers ${a.buffer.id} and ${b.buffer.id} at ${a.start} and ${b.start}`,
        );
      }
  }
});

/** Every buffer with the first and last phase in which it must hold its numbers; found without the arena's own account. */
function livesOf(steps: Steps, plan: Plan): (readonly [Buffer, number, number])[] {
  const lives = new Map<Buffer, [number, number]>();
  const extend = (buffer: Buffer, phase: number): void => {
    const [from, to] = lives.get(buffer) ?? [phase, phase];
    lives.set(buffer, [Math.min(from, phase), Math.max(to, phase)]);
  };
  for (const buffer of [
    ...steps.inputs.values(),
    ...steps.outputs.values(),
    ...steps.state.values(),
    ...plan.residents,
    ...steps.constants.keys(),
  ])
    lives.set(buffer, [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  for (const [phase, group] of plan.phases.entries())
    for (const step of group)
      for (const { buffer } of [...reads(step), ...writes(step)]) extend(resolve(buffer, plan), phase);
  return [...lives].map(([buffer, [from, to]]) => [buffer, from, to] as const);
}

function update(): Graph {
  return sacUpdate(spacesOf(5, 3), { hidden_sizes: [64, 64], batch_size: 128 });
}

test('memory of an update is used again', () => {
  const { steps, plan, arena } = planned(update());
  const needed = livesOf(steps, plan).reduce((sum, [{ size }]) => sum + size, 0);
  // Half the scratch at most: forward and backward of the critics and of the policy come one after the other.
  assert.ok(arena.size < 0.75 * needed, `${arena.size} floats of ${needed}`);
});

test('one graph gives one text, traced again too', () => {
  assert.equal(text(update()), text(update()));
  const graph = descent();
  assert.equal(text(graph), text(graph));
});

test('the C says which ops a step is, and holds no name that a caller chose', () => {
  const named = (input: string, state: string, output: string): Graph =>
    trace(
      (states, inputs) => {
        const w = states[state] as tf.Variable;
        const y = tf.relu(tf.matMul(inputs[input] as tf.Tensor2D, w as unknown as tf.Tensor2D));
        w.assign(tf.mul(w, 0.5));
        return { [output]: y };
      },
      { state: { [state]: [16, 32] }, inputs: { [input]: [64, 16] } },
    );
  const source = text(named('x', 'w', 'y'));
  assert.match(source, /\{ \/\/ matmul relu \[64,32\] · 16\n/);
  assert.match(source, /\{ \/\/ mul \[\d+(,\d+)?\]\n/);
  assert.equal(text(named('*/ #error "', '\n#include "/etc/passwd"\n', '$(touch pwned)')), source);
});

test('numbers stand in the C as the float32 that they are', () => {
  const values = [0, -0, 1, -1.5, 0.1, 1e-38, 3.4028234663852886e38, 1e-45, 1 / 3, 16_777_217, 1e21, 123_456.789];
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const make = nodeMaker();
  const x = make({ kind: 'input', name: 'x' }, [], [5]);
  const outputs = [...values, ...special].map((value, index): [string, Node] => {
    const constant = make({ kind: 'constant', values: Float32Array.of(value) }, [], []);
    return [`y${index}`, make({ kind: 'maximum' }, [x, constant], [5])];
  });
  const source = text({ inputs: new Map([['x', x]]), state: new Map(), outputs: new Map(outputs) });
  // Each stands there twice: for vectors, and for the numbers that are left.
  const twice = [...source.matchAll(/vmax\(.*splat\((.*?)\)\);/g)].map(([, literal]) => literal as string);
  const literals = twice.filter((_, index) => index % 2 === 0);
  assert.deepEqual(
    twice.filter((_, index) => index % 2 === 1),
    literals,
  );
  const floats = literals.slice(0, values.length).map((literal) => {
    // What C takes for a float, not for an integer with a stray f.
    assert.match(literal, /^-?\d+(\.\d+(e[+-]\d+)?|e[+-]\d+)f$/);
    return Math.fround(Number(literal.slice(0, -1)));
  });
  assert.deepEqual(floats, values.map(Math.fround));
  assert.deepEqual(literals.slice(values.length), ['__builtin_nanf("")', 'HUGE_VALF', '-HUGE_VALF']);
});
