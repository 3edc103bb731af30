// What an update of an algorithm is made of here: losses in order, each of some parameters, each followed by a step of Adam.
import * as tf from '@tensorflow/tfjs-core';
import type { Float64Record } from '../../../src/compute/reference/evaluate.ts';
import type { Program, Shapes } from '../../../src/compute/trace/trace.ts';
import type { Pcg64 } from '../../../src/math/pcg64.ts';
import { sizeOf } from '../../../src/math/tensor.ts';
import { uniform } from '../support.ts';

export type Tensors = Readonly<Record<string, tf.Tensor>>;

export interface Sizes {
  readonly batch: number;
  readonly observation: number;
  readonly action: number;
  readonly hidden: number;
}

export interface Step {
  readonly name: string;
  /** The parameters that this loss trains. */
  readonly parameters: readonly string[];
  /** What the loss takes as given: no gradient flows into it, since it is computed outside of the differentiated function. */
  readonly given?: (parameters: Tensors, inputs: Tensors) => Tensors;
  /** A scalar. */
  readonly loss: (parameters: Tensors, inputs: Tensors, given: Tensors) => tf.Tensor;
  /** The gradient is shortened to this norm, over all parameters together. */
  readonly largestNorm?: number;
}

export interface Update {
  readonly parameters: Shapes;
  readonly inputs: Shapes;
  readonly steps: readonly Step[];
  /** Targets, by the names of what they follow; they are parameters that no step trains. */
  readonly targets?: Readonly<Record<string, string>>;
  /** Ranges of inputs that are not in [−1, 1), or a maker of their numbers. */
  readonly draw?: Readonly<
    Record<string, readonly [number, number] | ((rng: Pcg64, shape: readonly number[]) => Float64Array)>
  >;
}

/** An algorithm by name, at any sizes. */
export interface AlgorithmProgram {
  readonly name: string;
  readonly make: (sizes: Sizes) => Update;
}

export interface Runnable {
  readonly program: Program<Shapes, Shapes>;
  readonly signature: { readonly state: Shapes; readonly inputs: Shapes };
}

const STEP_SIZE = 0.01;
const POLYAK = 0.05;

/** The whole update: state are the parameters and Adam's moments of those that are trained; outputs are the losses. */
export function updateOf({ parameters, inputs, steps, targets = {} }: Update): Runnable {
  const trained = steps.flatMap((step) => step.parameters);
  const moments = trained.flatMap((name) =>
    ['m', 'v'].map((moment) => [`${moment}/${name}`, parameters[name]] as const),
  );
  return {
    signature: { state: { ...parameters, ...Object.fromEntries(moments) } as Shapes, inputs },
    program: (state, x) => {
      const outputs: Record<string, tf.Tensor> = {};
      for (const { name, parameters: wanted, given, loss, largestNorm } of steps) {
        const fixed = given?.(state, x) ?? {};
        const variables = wanted.map((parameter) => state[parameter] as tf.Variable);
        const { value, grads } = tf.variableGrads(() => loss(state, x, fixed) as tf.Scalar, variables);
        outputs[`loss/${name}`] = value;
        const scale = largestNorm === undefined ? tf.scalar(1) : shortening(Object.values(grads), largestNorm);
        for (const variable of variables) adam(state, variable, tf.mul(grads[variable.name] as tf.Tensor, scale));
      }
      for (const [target, followed] of Object.entries(targets)) {
        const [slow, fast] = [state[target] as tf.Variable, state[followed] as tf.Variable];
        slow.assign(tf.add(slow, tf.mul(tf.sub(fast, slow), POLYAK)));
      }
      return outputs;
    },
  };
}

/** min(1, largest / ‖gradients‖). */
const shortening = (gradients: readonly tf.Tensor[], largest: number): tf.Tensor => {
  const norm = tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
  return tf.minimum(1, tf.div(largest, tf.add(norm, 1e-6)));
};

function adam(state: Readonly<Record<string, tf.Variable>>, variable: tf.Variable, gradient: tf.Tensor): void {
  const [m, v] = [state[`m/${variable.name}`] as tf.Variable, state[`v/${variable.name}`] as tf.Variable];
  m.assign(tf.add(tf.mul(m, 0.9), tf.mul(gradient, 0.1)));
  v.assign(tf.add(tf.mul(v, 0.999), tf.mul(tf.square(gradient), 0.001)));
  variable.assign(tf.sub(variable, tf.mul(STEP_SIZE, tf.div(m, tf.add(tf.sqrt(v), 1e-8)))));
}

/**
 * One step's loss and gradients, with its parameters a second time as inputs `by/…`: the loss reads those, what it takes as given reads
 * the state. So a difference of the loss by an input is the gradient that the step must find.
 */
export function gradientOf({ parameters, inputs }: Update, step: Step): Runnable {
  const copies = step.parameters.map((name) => [`by/${name}`, parameters[name]] as const);
  return {
    signature: { state: parameters, inputs: { ...inputs, ...Object.fromEntries(copies) } as Shapes },
    program: (state, x) => {
      const fixed = step.given?.(state, x) ?? {};
      const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
        const moved = Object.fromEntries(step.parameters.map((name, place) => [name, tensors[place] as tf.Tensor]));
        return step.loss({ ...state, ...moved }, x, fixed);
      };
      const { value, grads } = tf.valueAndGrads(loss)(copies.map(([name]) => x[name] as tf.Tensor));
      return {
        loss: value,
        ...Object.fromEntries(
          grads.map((gradient, place) => [(copies[place] as (typeof copies)[number])[0], gradient]),
        ),
      };
    },
  };
}

/** Numbers for a runnable of `update`: weights as small as an initialiser makes them, second moments above 0, inputs as they say. */
export function drawFor(
  { draw = {} }: Update,
  { signature }: Runnable,
  rng: Pcg64,
): { inputs: Float64Record; state: Float64Record } {
  const state = Object.fromEntries(
    Object.entries(signature.state).map(([name, shape]) => {
      if (name.startsWith('v/')) return [name, uniform(rng, shape, 0.01, 0.1)];
      const bound = shape.length === 2 ? 1.5 / Math.sqrt(shape[0] as number) : 0.3;
      return [name, uniform(rng, shape, -bound, bound)];
    }),
  );
  const inputs = Object.fromEntries(
    Object.entries(signature.inputs).map(([name, shape]) => {
      if (name.startsWith('by/')) return [name, state[name.slice('by/'.length)] as Float64Array];
      const how = draw[name] ?? ([-1, 1] as const);
      return [name, typeof how === 'function' ? how(rng, shape) : uniform(rng, shape, ...how)];
    }),
  );
  return { inputs, state };
}

/** 0 or 1, one in four a 1. */
export const flags = (rng: Pcg64, shape: readonly number[]): Float64Array =>
  uniform(rng, shape, 0, 1).map((value) => (value < 0.25 ? 1 : 0));

/** Rows with a single 1. */
export function oneHotRows(rng: Pcg64, shape: readonly number[]): Float64Array {
  const [rows, columns] = shape as readonly [number, number];
  const values = new Float64Array(sizeOf(shape));
  for (const [row, draw] of uniform(rng, [rows], 0, 1).entries())
    values[row * columns + Math.floor(draw * columns)] = 1;
  return values;
}
