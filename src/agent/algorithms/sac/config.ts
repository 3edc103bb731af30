// What SAC's hyperparameters mean: filled with presets and defaults, checked, and resolved once for the code.
import { DomainError } from '../../../errors.ts';
import type { Hyperparameters } from '../../algorithm.ts';
import { hyperparameterFiller } from '../../hyperparameters.ts';
import type { Activation } from '../../nn/mlp.ts';
import { presetOf } from './presets.ts';
import { SAC_SCHEMA } from './schema.ts';

/** A step size by gradient step. */
export type Rate = (update: number) => number;

/** Resolved for the code: no optional field, no null that stands for another field. */
export interface SacConfig {
  readonly variant: 'v1' | 'v2';
  readonly actorLearningRate: Rate;
  readonly criticLearningRate: Rate;
  readonly temperatureLearningRate: Rate;
  /** Infinite where gradients are left as they are. */
  readonly maxGradientNorm: number;
  readonly hiddenSizes: readonly number[];
  readonly activation: Activation;
  readonly layerNorm: 'none' | 'critics' | 'all';
  readonly criticCount: number;
  /** γ. */
  readonly discount: number;
  /** n of n-step returns. */
  readonly steps: number;
  readonly targetUpdate: 'soft' | 'hard';
  /** Polyak step of the targets, τ: target ← (1 − τ)·target + τ·online; 1 where they are copies. */
  readonly targetSmoothing: number;
  readonly targetUpdateInterval: number;
  readonly replayCapacity: number;
  readonly batchSize: number;
  readonly learningStarts: number;
  readonly trainFrequency: number;
  /** Updates a round, −1 = as many as timesteps since the last one. */
  readonly gradientSteps: number;
  readonly policyDelay: number;
  readonly rewardScale: number;
  readonly rewardNormalization: 'none' | 'return_std' | 'automatic';
  readonly observationNormalization: boolean;
  /** Fixed α, or null where it is learnt. */
  readonly temperature: number | null;
  readonly initialTemperature: number;
  /** H̄. */
  readonly targetEntropy: number;
  readonly explorationNoise: 'none' | 'gaussian' | 'ornstein_uhlenbeck';
  readonly explorationNoiseStd: number;
}

const fill = hyperparameterFiller('SAC', SAC_SCHEMA);

/** `given` with presets for `specId` and defaults. Throws `invalid_hyperparameter` naming field, value and what is allowed. */
export function resolveSac(given: Readonly<Record<string, unknown>>, specId: string | null): Hyperparameters {
  const { variant = SAC_SCHEMA.properties.variant.default, preset = SAC_SCHEMA.properties.preset.default } = given;
  const filled: Record<string, unknown> = structuredClone({
    ...(preset === 'auto' ? presetOf(variant, specId) : {}),
    ...given,
  });
  fill(filled);
  for (const name of RATES) checkSchedule(name, filled[name]);
  return Object.freeze(filled) as Hyperparameters;
}

/** Agents of earlier versions were resolved without what came later, which by default changes nothing. */
const DEFAULTS: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(SAC_SCHEMA.properties).map(([name, schema]) => [name, schema.default]),
);

/** What resolved hyperparameters mean with actions of `actionSize` numbers. */
export function sacConfig(resolved: Hyperparameters, actionSize: number): SacConfig {
  const h = { ...DEFAULTS, ...resolved } as unknown as Resolved;
  const isV1 = h.variant === 'v1';
  return {
    variant: h.variant,
    actorLearningRate: rateOf(h.actor_learning_rate ?? h.learning_rate),
    criticLearningRate: rateOf(h.critic_learning_rate ?? h.learning_rate),
    temperatureLearningRate: rateOf(h.temperature_learning_rate ?? h.learning_rate),
    maxGradientNorm: h.max_gradient_norm ?? Number.POSITIVE_INFINITY,
    hiddenSizes: h.hidden_sizes,
    activation: h.activation,
    layerNorm: h.layer_norm,
    criticCount: h.n_critics,
    discount: h.discount,
    steps: h.n_steps,
    targetUpdate: h.target_update,
    targetSmoothing: h.target_update === 'hard' ? 1 : h.target_smoothing,
    targetUpdateInterval: h.target_update_interval,
    replayCapacity: h.replay_capacity,
    batchSize: h.batch_size,
    learningStarts: h.learning_starts,
    trainFrequency: h.train_frequency,
    gradientSteps: h.gradient_steps,
    policyDelay: h.policy_delay,
    rewardScale: h.reward_scale,
    rewardNormalization: h.reward_normalization,
    observationNormalization: h.observation_normalization,
    // With α = 1 the reward scale alone weighs entropy: the form of 2018.
    temperature: h.temperature ?? (isV1 ? 1 : null),
    initialTemperature: h.initial_temperature,
    targetEntropy: h.target_entropy ?? -actionSize,
    explorationNoise: h.exploration_noise,
    explorationNoiseStd: h.exploration_noise_std,
  };
}

type Schedule = readonly (readonly [update: number, rate: number])[];
const RATES = ['learning_rate', 'actor_learning_rate', 'critic_learning_rate', 'temperature_learning_rate'] as const;
type RateName = (typeof RATES)[number];

type Nullable = 'temperature' | 'target_entropy' | 'max_gradient_norm';
type Text =
  | 'variant'
  | 'activation'
  | 'layer_norm'
  | 'target_update'
  | 'reward_normalization'
  | 'exploration_noise'
  | 'preset';
type Resolved = {
  readonly [name in Exclude<
    keyof typeof SAC_SCHEMA.properties,
    Text | Nullable | RateName | 'hidden_sizes' | 'observation_normalization'
  >]: number;
} & { readonly [name in Nullable]: number | null } & {
  readonly [name in Exclude<RateName, 'learning_rate'>]: number | Schedule | null;
} & {
  readonly learning_rate: number | Schedule;
  readonly hidden_sizes: readonly number[];
  readonly observation_normalization: boolean;
  readonly variant: SacConfig['variant'];
  readonly activation: Activation;
  readonly layer_norm: SacConfig['layerNorm'];
  readonly target_update: SacConfig['targetUpdate'];
  readonly reward_normalization: SacConfig['rewardNormalization'];
  readonly exploration_noise: SacConfig['explorationNoise'];
};

/** Straight lines between the points; before the first and after the last it is level. */
function rateOf(rate: number | Schedule): Rate {
  if (typeof rate === 'number') return () => rate;
  return (update) => {
    const after = rate.findIndex(([at]) => at > update);
    if (after === 0) return (rate[0] as Schedule[number])[1];
    if (after === -1) return (rate[rate.length - 1] as Schedule[number])[1];
    const [[from, low], [to, high]] = [rate[after - 1], rate[after]] as [Schedule[number], Schedule[number]];
    return low + ((update - from) / (to - from)) * (high - low);
  };
}

function checkSchedule(name: RateName, rate: unknown): void {
  if (!Array.isArray(rate)) return;
  const points = rate as Schedule;
  const wrong = points.findIndex(
    ([update], index) => index > 0 && update <= (points[index - 1] as Schedule[number])[0],
  );
  if (wrong === -1) return;
  throw new DomainError(
    'invalid_hyperparameter',
    `The hyperparameter "${name}" has the point [${points[wrong]}] after [${points[wrong - 1]}]; the updates of a schedule must rise.`,
  );
}
