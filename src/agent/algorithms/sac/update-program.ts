// One update of SAC as a traced program, for both forms. Shapes are static; what changes from call to call is an input.
import * as tf from '@tensorflow/tfjs-core';
import type { Graph } from '../../../compute/graph.ts';
import { type Shapes, trace } from '../../../compute/trace/trace.ts';
import { adam } from '../../nn/adam.ts';
import { normalized } from '../../nn/observation-normalizer.ts';
import { type Pack, packTensor, unpackTensors } from '../../nn/packing.ts';
import { logProbability, squashedAction } from '../../nn/squashed-gaussian.ts';
import type { SacConfig } from './config.ts';
import { criticLoss, criticTarget, policyLoss, softValue, temperatureLoss, valueLoss } from './losses.ts';
import {
  type Architecture,
  criticNames,
  optimisedPacks,
  type Parameters,
  packsOf,
  policyHead,
  qValues,
  smallest,
  stateValue,
  targetNames,
} from './networks.ts';

/** What is compiled into an update, beside the networks. */
export interface UpdateOptions {
  readonly batchSize: number;
  /** α where it is fixed; null where it is learnt, as `Architecture.learnsTemperature` says. */
  readonly temperature: number | null;
  /** H̄. */
  readonly targetEntropy: number;
  /** Of each network's gradient; infinite = as it is. */
  readonly maxGradientNorm: number;
  readonly targetUpdate: 'soft' | 'hard';
  /** Whether some updates leave policy and temperature as they are. */
  readonly delaysPolicy: boolean;
}

export const updateOptions = (config: SacConfig): UpdateOptions => ({
  batchSize: config.batchSize,
  temperature: config.temperature,
  targetEntropy: config.targetEntropy,
  maxGradientNorm: config.maxGradientNorm,
  targetUpdate: config.targetUpdate,
  delaysPolicy: config.policyDelay > 1,
});

/**
 * One update, in this order: sample with the current policy → temperature (v2) or value network (v1) → critics → policy, against
 * the critics just updated → targets. Every step uses what the steps before it made; the actions are drawn before any of them.
 *
 * State: every pack of parameters, Adam's moments of those that learn as `m/…` and `v/…`. Outputs are scalars: losses, α, the
 * policy's entropy estimate, means of values, and the norm of each gradient before it is shortened.
 */
export function updateProgram(architecture: Architecture, options: UpdateOptions): Graph {
  const packs = packsOf(architecture);
  const critics = criticNames(architecture);
  const targets = [...targetNames(architecture).keys()];
  return trace(
    (variables, inputs) => {
      const x = inputs as Readonly<Record<keyof ReturnType<typeof inputsOf>, tf.Tensor>>;
      const read = (name: string): tf.Variable => variables[name] as tf.Variable;
      const parameters = (of: readonly Pack[]): Parameters => unpackTensors(of, ({ name }) => read(name));
      const descend = optimiser(read, options);
      const byCritics = { stepSize: x.criticStep, epsilon: x.criticEpsilon, gate: null };
      const byPolicy = { epsilon: x.policyEpsilon, gate: options.delaysPolicy ? x.policyGate : null };
      const seen = (observation: tf.Tensor): tf.Tensor =>
        architecture.normalizesObservations
          ? normalized(observation, x.observationMean, x.observationScale)
          : observation;
      const [observation, nextObservation] = [seen(x.observation), seen(x.nextObservation)];

      const actor = parameters(packs.actor);
      const head = policyHead(architecture, actor, observation);
      const drawn = { action: squashedAction(head, x.noise), logProbability: logProbability(head, x.noise) };

      const temperature = lossAndGradients(parameters(packs.temperature), (p) =>
        temperatureLoss(p.get('log_temperature') as tf.Tensor, drawn.logProbability, options.targetEntropy),
      );
      if (temperature !== undefined)
        descend(packs.temperature, temperature.gradients, { ...byPolicy, stepSize: x.temperatureStep });
      const alpha = options.temperature === null ? tf.exp(read('log_temperature')) : tf.scalar(options.temperature);

      const before = parameters(packs.critics);
      const value = lossAndGradients(parameters(packs.value), (p) => {
        const q = smallest(qValues(architecture, critics, before, observation, drawn.action));
        const y = softValue(q, alpha, drawn.logProbability);
        return valueLoss(stateValue(architecture, 'value', p, observation), y);
      });
      const valueNorm = value && descend(packs.value, value.gradients, byCritics);

      const nextValue = (): tf.Tensor => {
        const followers = parameters(packs.targets);
        if (architecture.variant === 'v1') return stateValue(architecture, 'value_target', followers, nextObservation);
        const nextHead = policyHead(architecture, actor, nextObservation);
        const nextAction = squashedAction(nextHead, x.nextNoise);
        const q = smallest(qValues(architecture, targets, followers, nextObservation, nextAction));
        return softValue(q, alpha, logProbability(nextHead, x.nextNoise));
      };
      const y = criticTarget(x.reward, x.bootstrap, nextValue());
      const q = qValues(architecture, critics, before, observation, x.action);
      const critic = lossAndGradients(before, (p) =>
        criticLoss(qValues(architecture, critics, p, observation, x.action), y),
      ) as LossAndGradients;
      const criticNorm = descend(packs.critics, critic.gradients, byCritics);

      // Against the critics just updated; the same noise as above, so the draw of the first step is shared.
      const after = parameters(packs.critics);
      const policy = lossAndGradients(actor, (p) => {
        const current = policyHead(architecture, p, observation);
        const values = qValues(architecture, critics, after, observation, squashedAction(current, x.noise));
        return policyLoss(alpha, logProbability(current, x.noise), smallest(values));
      }) as LossAndGradients;
      const actorNorm = descend(packs.actor, policy.gradients, { ...byPolicy, stepSize: x.actorStep });

      const followed = architecture.variant === 'v1' ? packs.value : packs.critics;
      for (const [index, { name }] of packs.targets.entries()) {
        const [target, online] = [read(name), read((followed[index] as Pack).name)];
        target.assign(
          options.targetUpdate === 'hard'
            ? either(x.targetStep, online, target)
            : tf.add(target, tf.mul(tf.sub(online, target), x.targetStep)),
        );
      }
      return {
        'loss/critic': critic.loss,
        'loss/actor': policy.loss,
        ...(temperature && { 'loss/temperature': temperature.loss }),
        ...(value && { 'loss/value': value.loss }),
        alpha,
        entropy: tf.neg(tf.mean(drawn.logProbability)),
        q: tf.mean(smallest(q)),
        'gradient_norm/critic': criticNorm,
        'gradient_norm/actor': actorNorm,
        ...(valueNorm && { 'gradient_norm/value': valueNorm }),
      };
    },
    { state: stateOf(packs), inputs: inputsOf(architecture, options) },
  );
}

function stateOf(packs: ReturnType<typeof packsOf>): Shapes {
  return Object.fromEntries([
    ...optimisedPacks(packs).flatMap(({ name, shape }) => [
      [name, shape],
      [`m/${name}`, shape],
      [`v/${name}`, shape],
    ]),
    ...packs.targets.map(({ name, shape }) => [name, shape]),
  ]);
}

/** Steps and epsilons are those of `adamScalars`; `targetStep` is τ, or 0 where targets stay; `policyGate` is 1, or 0 where the policy does. */
function inputsOf(
  { variant, observation, action, normalizesObservations, learnsTemperature }: Architecture,
  { batchSize: batch, delaysPolicy }: UpdateOptions,
) {
  const always = {
    observation: [batch, observation],
    action: [batch, action],
    reward: [batch, 1],
    nextObservation: [batch, observation],
    bootstrap: [batch, 1],
    noise: [batch, action],
    actorStep: [],
    criticStep: [],
    criticEpsilon: [],
    policyEpsilon: [],
    targetStep: [],
  };
  // An input that no step reads would be missed by the engines, so each stands here only where one does.
  return {
    ...always,
    ...(variant === 'v2' && { nextNoise: [batch, action] }),
    ...(learnsTemperature && { temperatureStep: [] }),
    ...(delaysPolicy && { policyGate: [] }),
    ...(normalizesObservations && { observationMean: [observation], observationScale: [observation] }),
  } as typeof always &
    Record<'nextNoise' | 'temperatureStep' | 'policyGate' | 'observationMean' | 'observationScale', number[]>;
}

interface Descent {
  readonly stepSize: tf.Tensor;
  readonly epsilon: tf.Tensor;
  /** 1 = as always, 0 = parameters and moments stay; null = always 1. */
  readonly gate: tf.Tensor | null;
}

/** Adam on packs, after the gradient over all of them was shortened where it has to be; gives the norm that it had. */
const optimiser =
  (read: (name: string) => tf.Variable, { maxGradientNorm }: UpdateOptions) =>
  (packs: readonly Pack[], gradients: Parameters, { stepSize, epsilon, gate }: Descent): tf.Tensor => {
    const packed = packs.map((one) => packTensor(one, gradients));
    const norm = tf.sqrt(
      packed.map((gradient) => tf.sum(tf.square(gradient))).reduce((sum, square) => tf.add(sum, square)),
    );
    // As torch.nn.utils.clip_grad_norm_ has it.
    const factor = Number.isFinite(maxGradientNorm) ? tf.minimum(tf.div(maxGradientNorm, tf.add(norm, 1e-6)), 1) : null;
    for (const [index, { name }] of packs.entries()) {
      const gradient = packed[index] as tf.Tensor;
      const old = { parameters: read(name), m: read(`m/${name}`), v: read(`v/${name}`) };
      const next = adam(old, factor === null ? gradient : tf.mul(gradient, factor), stepSize, epsilon);
      const kept = (key: 'parameters' | 'm' | 'v') => (gate === null ? next[key] : either(gate, next[key], old[key]));
      const [p, m, v] = [kept('parameters'), kept('m'), kept('v')];
      old.parameters.assign(p);
      old.m.assign(m);
      old.v.assign(v);
    }
    return norm;
  };

/** `first` where the scalar `choice` is 1, `second` where it is 0: exactly, where both are finite. */
const either = (choice: tf.Tensor, first: tf.Tensor, second: tf.Tensor): tf.Tensor =>
  tf.add(tf.mul(first, choice), tf.mul(second, tf.sub(1, choice)));

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
