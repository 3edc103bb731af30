// SAC's two programs, traced: one update, and acting. Shapes are static; what changes from call to call is an input.
import * as tf from '@tensorflow/tfjs-core';
import type { Graph } from '../../../compute/graph.ts';
import { type Shapes, trace } from '../../../compute/trace/trace.ts';
import { adam } from '../../nn/adam.ts';
import { type Pack, packTensor, unpackTensors } from '../../nn/packing.ts';
import { logProbability, squashedAction } from '../../nn/squashed-gaussian.ts';
import { criticLoss, policyLoss, softTarget, temperatureLoss } from './losses.ts';
import {
  actorPacks,
  CRITICS,
  criticPacks,
  type Parameters,
  policyHead,
  qValues,
  type Sizes,
  TARGETS,
} from './networks.ts';

/** What is compiled into an update. */
export interface UpdateOptions {
  readonly batchSize: number;
  /** γ. */
  readonly discount: number;
  /** Polyak step of the target critics, τ. */
  readonly targetSmoothing: number;
  readonly rewardScale: number;
  /** α where it is fixed, null where it is learnt. */
  readonly temperature: number | null;
  /** H̄. */
  readonly targetEntropy: number;
}

/** The state of log α, a scalar. */
const LOG_TEMPERATURE: Pack = {
  name: 'log_temperature',
  shape: [],
  places: [{ name: 'log_temperature', shape: [], offset: 0 }],
};

/** Packs with an optimiser, by what is optimised, and those that follow the critics. */
export const packsOf = (sizes: Sizes, temperature: number | null) => ({
  actor: actorPacks(sizes),
  critics: CRITICS.flatMap((name) => criticPacks(sizes, name)),
  temperature: temperature === null ? [LOG_TEMPERATURE] : [],
  targets: TARGETS.flatMap((name) => criticPacks(sizes, name)),
});

/**
 * One update of 2019's SAC, in this order: sample with the current policy → temperature → critics → policy, against the critics
 * just updated → targets. Every step uses what the steps before it made; the actions are drawn before any of them.
 *
 * State: every pack of parameters, Adam's moments of it as `m/…` and `v/…`.
 */
export function updateProgram(sizes: Sizes, options: UpdateOptions): Graph {
  const packs = packsOf(sizes, options.temperature);
  const optimised = [...packs.actor, ...packs.critics, ...packs.temperature];
  const state: Shapes = Object.fromEntries([
    ...optimised.flatMap(({ name, shape }) => [
      [name, shape],
      [`m/${name}`, shape],
      [`v/${name}`, shape],
    ]),
    ...packs.targets.map(({ name, shape }) => [name, shape]),
  ]);
  return trace(
    (variables, x) => {
      const read = (name: string): tf.Variable => variables[name] as tf.Variable;
      const parameters = (of: readonly Pack[]): Parameters => unpackTensors(of, ({ name }) => read(name));
      const descend = (of: readonly Pack[], gradients: Parameters, stepSize: tf.Tensor): void => {
        for (const one of of) {
          const { name } = one;
          const moments = { parameters: read(name), m: read(`m/${name}`), v: read(`v/${name}`) };
          const next = adam(moments, packTensor(one, gradients), stepSize, x.adamEpsilon);
          read(name).assign(next.parameters);
          read(`m/${name}`).assign(next.m);
          read(`v/${name}`).assign(next.v);
        }
      };

      const actor = parameters(packs.actor);
      const drawn = logProbability(policyHead(actor, x.observation), x.noise);
      const nextHead = policyHead(actor, x.nextObservation);
      const nextAction = squashedAction(nextHead, x.nextNoise);

      const temperature = lossAndGradients(parameters(packs.temperature), (p) =>
        temperatureLoss(p.get('log_temperature') as tf.Tensor, drawn, options.targetEntropy),
      );
      if (temperature !== undefined) descend(packs.temperature, temperature.gradients, x.temperatureStep);
      const alpha = options.temperature === null ? tf.exp(read('log_temperature')) : tf.scalar(options.temperature);

      const y = softTarget({
        reward: x.reward,
        terminated: x.terminated,
        nextQ: tf.minimum(...qValues(parameters(packs.targets), TARGETS, x.nextObservation, nextAction)),
        nextLogProbability: logProbability(nextHead, x.nextNoise),
        alpha,
        rewardScale: options.rewardScale,
        discount: options.discount,
      });
      const before = parameters(packs.critics);
      const [q1, q2] = qValues(before, CRITICS, x.observation, x.action);
      const critics = lossAndGradients(before, (p) =>
        criticLoss(...qValues(p, CRITICS, x.observation, x.action), y),
      ) as LossAndGradients;
      descend(packs.critics, critics.gradients, x.criticStep);

      // Against the critics just updated; the same noise as above, so the draw of the temperature step is shared.
      const after = parameters(packs.critics);
      const policy = lossAndGradients(actor, (p) => {
        const head = policyHead(p, x.observation);
        const q = tf.minimum(...qValues(after, CRITICS, x.observation, squashedAction(head, x.noise)));
        return policyLoss(alpha, logProbability(head, x.noise), q);
      }) as LossAndGradients;
      descend(packs.actor, policy.gradients, x.actorStep);

      for (const [index, { name }] of packs.targets.entries()) {
        const [target, online] = [read(name), read((packs.critics[index] as Pack).name)];
        target.assign(tf.add(target, tf.mul(tf.sub(online, target), options.targetSmoothing)));
      }
      return {
        'loss/critic': critics.loss,
        'loss/actor': policy.loss,
        ...(temperature === undefined ? {} : { 'loss/temperature': temperature.loss }),
        alpha,
        entropy: tf.neg(tf.mean(drawn)),
        q: tf.mean(tf.minimum(q1, q2)),
      };
    },
    { state, inputs: updateInputs(sizes, options.batchSize) },
  );
}

const updateInputs = (sizes: Sizes, batch: number) =>
  ({
    observation: [batch, sizes.observation],
    action: [batch, sizes.action],
    reward: [batch, 1],
    nextObservation: [batch, sizes.observation],
    terminated: [batch, 1],
    noise: [batch, sizes.action],
    nextNoise: [batch, sizes.action],
    actorStep: [],
    criticStep: [],
    temperatureStep: [],
    adamEpsilon: [],
  }) as const;

interface LossAndGradients {
  /** A scalar. */
  readonly loss: tf.Tensor;
  readonly gradients: Parameters;
}

/** The value of `loss` and its gradient by every parameter; undefined where there is no parameter. */
function lossAndGradients(
  parameters: Parameters,
  loss: (parameters: Parameters) => tf.Tensor,
): LossAndGradients | undefined {
  if (parameters.size === 0) return undefined;
  const names = [...parameters.keys()];
  const wrapped = (...tensors: tf.Tensor[]): tf.Tensor =>
    loss(new Map(names.map((name, index) => [name, tensors[index] as tf.Tensor])));
  const { value, grads } = tf.valueAndGrads(wrapped)([...parameters.values()]);
  return { loss: value, gradients: new Map(names.map((name, index) => [name, grads[index] as tf.Tensor])) };
}

/** a = tanh(μ + σ·ε) for `batch` observations; noise of zeros gives the mean action. State: the packs of the actor. */
export function policyProgram(sizes: Sizes, batch: number): Graph {
  const packs = actorPacks(sizes);
  return trace(
    (variables, { observation, noise }) => {
      const actor = unpackTensors(packs, ({ name }) => variables[name] as tf.Variable);
      return { action: squashedAction(policyHead(actor, observation), noise) };
    },
    {
      state: Object.fromEntries(packs.map(({ name, shape }) => [name, shape])) as Shapes,
      inputs: { observation: [batch, sizes.observation], noise: [batch, sizes.action] },
    },
  );
}
