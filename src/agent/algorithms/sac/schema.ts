// SAC's hyperparameters as one JSON Schema: the catalogue, the validation and the documentation. What they mean to the code
// stands in config.ts, what is known to be good for an environment in presets.ts.
import { ACTIVATIONS } from '../../nn/mlp.ts';

/** A step size, constant or by points [update, rate] with straight lines between them; after the last one it stays. */
const rate = (type: readonly string[], more: { readonly default: number | null; readonly description: string }) => ({
  type,
  minimum: 0,
  maximum: 1,
  minItems: 1,
  maxItems: 100,
  items: {
    type: 'array',
    prefixItems: [
      { type: 'integer', minimum: 0 },
      { type: 'number', minimum: 0, maximum: 1 },
    ],
    minItems: 2,
    maxItems: 2,
  },
  ...more,
});

const ownRate = (description: string) => rate(['number', 'array', 'null'], { default: null, description });

/** Defaults: arXiv:1812.05905, appendix D, table 1, but for `learning_starts`, which that paper does not give (see there). */
export const SAC_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Soft Actor-Critic',
  type: 'object',
  additionalProperties: false,
  properties: {
    variant: {
      type: 'string',
      enum: ['v2', 'v1'],
      default: 'v2',
      description:
        'Form of the algorithm: v2 is arXiv:1812.05905 (no value network, learnt temperature), v1 is arXiv:1801.01290 (value network with a target, α = 1, reward scale).',
    },
    preset: {
      type: 'string',
      enum: ['auto', 'none'],
      default: 'auto',
      description:
        'auto: what is not given comes from the published settings for the environment, where there are any (x-presets lists them); none: from the defaults here.',
    },
    learning_rate: rate(['number', 'array'], {
      default: 3e-4,
      description:
        "Adam's step size of every network, λ; 0 learns nothing. A number, or a schedule [[update, rate], …] with straight lines between its points.",
    }),
    actor_learning_rate: ownRate('Step size of the policy, λ_π; null = learning_rate.'),
    critic_learning_rate: ownRate(
      'Step size of the critics, λ_Q, and of the value network of v1, λ_V; null = learning_rate.',
    ),
    temperature_learning_rate: ownRate('Step size of log α, λ_α; null = learning_rate.'),
    max_gradient_norm: {
      type: ['number', 'null'],
      exclusiveMinimum: 0,
      maximum: 1e9,
      default: null,
      description:
        "The gradient of each network (all critics count as one) is shortened to this Euclidean norm; null = it isn't.",
    },
    hidden_sizes: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 4096 },
      minItems: 1,
      maxItems: 8,
      default: [256, 256],
      description:
        'Units of each hidden layer, of all networks alike. All networks together may have 10,000,000 parameters.',
    },
    activation: {
      type: 'string',
      enum: Object.keys(ACTIVATIONS),
      default: 'relu',
      description: 'What stands between layers.',
    },
    layer_norm: {
      type: 'string',
      enum: ['none', 'critics', 'all'],
      default: 'none',
      description:
        'Networks whose hidden layers are normalised (arXiv:1607.06450) before the activation; the value network of v1 counts as a critic.',
    },
    n_critics: {
      type: 'integer',
      minimum: 1,
      maximum: 10,
      default: 2,
      description: 'Critics; the smallest of their values counts.',
    },
    discount: { type: 'number', minimum: 0, maximum: 1, default: 0.99, description: 'Discount factor, γ.' },
    n_steps: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 1,
      description:
        'Rewards summed before the bootstrap, fewer where an episode ends. Entropy is counted from the bootstrap on, and the steps are taken as they were played: above 1 the target leans towards the policies of the past.',
    },
    target_update: {
      type: 'string',
      enum: ['soft', 'hard'],
      default: 'soft',
      description:
        'How the target networks follow: soft by target_smoothing, hard as copies (the ablation of arXiv:1801.01290, appendix E).',
    },
    target_smoothing: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.005,
      description: 'Polyak step of soft targets, τ: target ← (1 − τ)·target + τ·online.',
    },
    target_update_interval: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      default: 1,
      description:
        'Updates from one step of the targets to the next. The ablation with hard targets has 1,000, at 4 gradient_steps (1 on humanoids).',
    },
    replay_capacity: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000_000,
      default: 1_000_000,
      description: 'Transitions that replay holds, of all environments of a job together.',
    },
    batch_size: {
      type: 'integer',
      minimum: 1,
      maximum: 16_384,
      default: 256,
      description: 'Transitions in an update.',
    },
    learning_starts: {
      type: 'integer',
      minimum: 0,
      maximum: 10_000_000,
      default: 1000,
      description:
        'Timesteps of uniformly random actions before the first update. 1,000 in the code of arXiv:1801.01290 (10,000 there for HalfCheetah and Ant).',
    },
    train_frequency: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      default: 1,
      description: 'Timesteps between rounds of updates. A step of several environments makes one round at most.',
    },
    gradient_steps: {
      type: 'integer',
      minimum: -1,
      maximum: 10_000,
      default: 1,
      description:
        'Updates in a round; 0 = none, the job gathers experience alone; −1 = as many as timesteps since the last one, in whole multiples of train_frequency, of all environments together.',
    },
    policy_delay: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 1,
      description:
        'Updates of the critics for each one of policy and temperature (arXiv:1802.09477). Time per update stays the same.',
    },
    reward_scale: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1e6,
      default: 1,
      description: 'Factor of every reward, after reward_normalization; 1/α of the form with α = 1.',
    },
    reward_normalization: {
      type: 'string',
      enum: ['none', 'return_std', 'automatic'],
      default: 'none',
      description:
        "What rewards are divided by, estimated as experience comes in. return_std: the standard deviation of discounted returns, as Gymnasium's NormalizeReward; automatic: σ = √(V[r] + V[γ]·E[G²]) of arXiv:2105.05347, which keeps entropy and reward in balance whatever the units of the reward.",
    },
    observation_normalization: {
      type: 'boolean',
      default: false,
      description:
        'Whether networks see observations less their running mean, over their running standard deviation, clipped at ±10.',
    },
    temperature: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1e6,
      default: null,
      description:
        'Entropy coefficient α, fixed; null = learnt with v2, so that the policy keeps target_entropy, and 1 with v1.',
    },
    initial_temperature: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1e6,
      default: 1,
      description: 'α before the first update, α₀; only where it is learnt, else it is ignored.',
    },
    target_entropy: {
      type: ['number', 'null'],
      minimum: -1e6,
      maximum: 1e6,
      default: null,
      description:
        'Entropy in nats that the temperature keeps, H̄; null = −dim(A). Only where it is learnt, else it is ignored.',
    },
    exploration_noise: {
      type: 'string',
      enum: ['none', 'gaussian', 'ornstein_uhlenbeck'],
      default: 'none',
      description:
        "Noise on top of the policy's own, on actions in [−1, 1], clipped there. ornstein_uhlenbeck is correlated in time (θ 0.15, dt 0.01) and begins at 0 in each episode.",
    },
    exploration_noise_std: {
      type: 'number',
      minimum: 0,
      maximum: 10,
      default: 0.1,
      description: 'σ of that noise.',
    },
  },
} as const;
