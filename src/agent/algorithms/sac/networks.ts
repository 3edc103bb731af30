// SAC's networks and the names of their parameters: an actor with a Gaussian head, critics, and what their targets follow:
// the critics themselves (v2), or a value network (v1).
import * as tf from '@tensorflow/tfjs-core';
import type { Pcg64 } from '../../../math/pcg64.ts';
import { nest, sizeOf, type Tensor, type Tensors } from '../../../math/tensor.ts';
import type { BoxSpaces, Hyperparameters } from '../../algorithm.ts';
import { type Activation, initializeMlp, type MlpOptions, mlp, mlpShapes } from '../../nn/mlp.ts';
import { normalizerPack, seenThrough } from '../../nn/observation-normalizer.ts';
import { type Pack, pack } from '../../nn/packing.ts';
import { type GaussianHead, gaussianHead } from '../../nn/squashed-gaussian.ts';
import { type SacConfig, sacConfig } from './config.ts';

/** What decides the shapes of an agent's programs. */
export interface Architecture {
  readonly variant: 'v1' | 'v2';
  /** Numbers in an observation. */
  readonly observation: number;
  /** Numbers in an action. */
  readonly action: number;
  readonly hidden: readonly number[];
  readonly activation: Activation;
  readonly layerNorm: 'none' | 'critics' | 'all';
  readonly criticCount: number;
  readonly normalizesObservations: boolean;
  /** Whether α is a parameter. */
  readonly learnsTemperature: boolean;
}

/** Both views of an agent's settings: what its training reads, and what its programs are made of. */
export function settingsOf(
  hyperparameters: Hyperparameters,
  spaces: BoxSpaces,
): { readonly config: SacConfig; readonly architecture: Architecture } {
  const action = sizeOf(spaces.action.shape);
  const config = sacConfig(hyperparameters, action);
  const { variant, activation, layerNorm, criticCount } = config;
  return {
    config,
    architecture: {
      variant,
      observation: sizeOf(spaces.observation.shape),
      action,
      hidden: config.hiddenSizes,
      activation,
      layerNorm,
      criticCount,
      normalizesObservations: config.observationNormalization,
      learnsTemperature: config.temperature === null,
    },
  };
}

/** `critic1`, `critic2`, … */
export const criticNames = ({ criticCount }: Architecture): string[] =>
  Array.from({ length: criticCount }, (_, index) => `critic${index + 1}`);

const VALUE = 'value';

/** Each target network by the network that it follows: `target1` … of the critics, or `value_target`. */
export const targetNames = (architecture: Architecture): ReadonlyMap<string, string> =>
  new Map(
    architecture.variant === 'v1'
      ? [['value_target', VALUE]]
      : criticNames(architecture).map((critic) => [critic.replace('critic', 'target'), critic]),
  );

type Kind = 'actor' | 'critic' | 'value';

function mlpOf({ observation, action, hidden, layerNorm }: Architecture, kind: Kind): MlpOptions {
  const ends = {
    actor: [observation, 2 * action],
    critic: [observation + action, 1],
    value: [observation, 1],
  } as const;
  const [inputs, outputs] = ends[kind];
  const isNormalized = layerNorm === 'all' || (layerNorm === 'critics' && kind !== 'actor');
  return { sizes: [inputs, ...hidden, outputs], layerNorm: isNormalized };
}

const LOG_TEMPERATURE = 'log_temperature';

/** The state of an update program: packs with an optimiser, by what they are parts of, and the packs that follow others. */
export function packsOf(architecture: Architecture) {
  const network = (name: string, kind: Kind) => pack(name, mlpShapes(mlpOf(architecture, kind)));
  const temperature: Pack = {
    name: LOG_TEMPERATURE,
    shape: [],
    places: [{ name: LOG_TEMPERATURE, shape: [], offset: 0 }],
  };
  const isV1 = architecture.variant === 'v1';
  return {
    actor: network('actor', 'actor'),
    critics: criticNames(architecture).flatMap((name) => network(name, 'critic')),
    value: isV1 ? network(VALUE, 'value') : [],
    temperature: architecture.learnsTemperature ? [temperature] : [],
    targets: [...targetNames(architecture).keys()].flatMap((name) => network(name, isV1 ? 'value' : 'critic')),
  };
}

/** Those with an optimiser. */
export const optimisedPacks = ({ actor, critics, value, temperature }: ReturnType<typeof packsOf>): readonly Pack[] => [
  ...actor,
  ...critics,
  ...value,
  ...temperature,
];

/** The state of a policy program: the actor, and what it sees observations through. */
export const policyPacks = (architecture: Architecture): readonly Pack[] => [
  ...packsOf(architecture).actor,
  ...(architecture.normalizesObservations ? [normalizerPack(architecture.observation)] : []),
];

/** Fresh parameters of every network and log α, with the targets as copies of what they follow. */
export function initializeNetworks(
  architecture: Architecture,
  initialTemperature: number,
  rng: Pcg64,
): { readonly optimised: Tensors; readonly targets: Tensors } {
  const fresh = (name: string, kind: Kind, stream: Pcg64): Tensors =>
    nest(name, initializeMlp(mlpOf(architecture, kind), stream));
  const [ofActor, ofCritics] = [rng.split(), rng.split()];
  const optimised: Tensors = {
    ...fresh('actor', 'actor', ofActor),
    // One call a critic, of one stream: they start different, which is what makes their minimum worth taking.
    ...Object.assign({}, ...criticNames(architecture).map((name) => fresh(name, 'critic', ofCritics))),
    ...(architecture.variant === 'v1' ? fresh(VALUE, 'value', rng.split()) : {}),
    ...(architecture.learnsTemperature
      ? { [LOG_TEMPERATURE]: { shape: [], data: Float32Array.of(Math.log(initialTemperature)) } }
      : {}),
  };
  const targets = [...targetNames(architecture)].flatMap(([target, followed]) =>
    Object.entries(optimised)
      .filter(([name]) => name.startsWith(`${followed}/`))
      .map(([name, { shape, data }]): [string, Tensor] => [
        name.replace(followed, target),
        { shape, data: data.slice() },
      ]),
  );
  return { optimised, targets: Object.fromEntries(targets) };
}

/** Named parameters of every network, as tensors of a program. */
export type Parameters = ReadonlyMap<string, tf.Tensor>;

/** μ and log σ for observations [batch, observation] as networks see them. */
export const policyHead = (architecture: Architecture, parameters: Parameters, observation: tf.Tensor): GaussianHead =>
  gaussianHead(mlp(parameters, 'actor', observation, architecture.activation));

/** What the networks of a policy see of raw observations [batch, observation]. */
export const policyView = (architecture: Architecture, parameters: Parameters, observation: tf.Tensor): tf.Tensor =>
  architecture.normalizesObservations ? seenThrough(parameters, observation) : observation;

/** Q [batch, 1] of each of the critics, or targets of them, called `names`. */
export function qValues(
  { activation }: Architecture,
  names: Iterable<string>,
  parameters: Parameters,
  observation: tf.Tensor,
  action: tf.Tensor,
): readonly tf.Tensor[] {
  const x = tf.concat([observation, action], 1);
  return Array.from(names, (name) => mlp(parameters, name, x, activation));
}

/** V [batch, 1] of the value network, or of its target. */
export const stateValue = (
  { activation }: Architecture,
  name: 'value' | 'value_target',
  parameters: Parameters,
  observation: tf.Tensor,
): tf.Tensor => mlp(parameters, name, observation, activation);

/** The smallest of some values, element by element. */
export const smallest = (values: readonly tf.Tensor[]): tf.Tensor =>
  values.reduce((least, value) => tf.minimum(least, value));
