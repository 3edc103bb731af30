// SAC's hyperparameters: one JSON Schema is the catalogue, the validation and the documentation; the types mirror it.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { DomainError } from '../../../errors.ts';
import { nearest } from '../../../nearest.ts';
import type { Hyperparameters } from '../../algorithm.ts';

const rate = (description: string) => ({
  type: ['number', 'null'],
  minimum: 0,
  maximum: 1,
  default: null,
  description,
});

/** Defaults: arXiv:1812.05905, appendix D, table 1, but for `learning_starts`, which that paper does not give (see there). */
export const SAC_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Soft Actor-Critic',
  type: 'object',
  additionalProperties: false,
  properties: {
    variant: {
      type: 'string',
      enum: ['v2'],
      default: 'v2',
      description: 'Form of the algorithm: v2 is arXiv:1812.05905 (two critics, no value network, learnt temperature).',
    },
    learning_rate: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 3e-4,
      description: "Adam's step size of every network, λ. 0 learns nothing.",
    },
    actor_learning_rate: rate('Step size of the policy, λ_π; null = learning_rate.'),
    critic_learning_rate: rate('Step size of the critics, λ_Q; null = learning_rate.'),
    temperature_learning_rate: rate('Step size of log α, λ_α; null = learning_rate.'),
    hidden_sizes: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 4096 },
      minItems: 1,
      maxItems: 8,
      default: [256, 256],
      description: 'Units of each hidden ReLU layer, of policy and critics alike.',
    },
    discount: { type: 'number', minimum: 0, maximum: 1, default: 0.99, description: 'Discount factor, γ.' },
    target_smoothing: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.005,
      description: 'Polyak step of the target critics, τ: target ← (1 − τ)·target + τ·online.',
    },
    replay_capacity: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000_000,
      default: 1_000_000,
      description: 'Transitions that replay holds.',
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
        'Steps of uniformly random actions before the first update. 1,000 in the code of arXiv:1801.01290 (10,000 there for HalfCheetah and Ant).',
    },
    train_frequency: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      default: 1,
      description: 'Environment steps between rounds of updates.',
    },
    gradient_steps: {
      type: 'integer',
      minimum: -1,
      maximum: 10_000,
      default: 1,
      description: 'Updates in a round; −1 = as many as steps were taken since the last one.',
    },
    reward_scale: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1e6,
      default: 1,
      description: 'Factor of every reward; 1/α of the form with α = 1.',
    },
    temperature: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 1e6,
      default: null,
      description: 'Entropy coefficient α, fixed; null = learnt, so that the policy keeps target_entropy.',
    },
    initial_temperature: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1e6,
      default: 1,
      description: 'α before the first update, α₀; only where temperature is null.',
    },
    target_entropy: {
      type: ['number', 'null'],
      minimum: -1e6,
      maximum: 1e6,
      default: null,
      description: 'Entropy in nats that the temperature keeps, H̄; null = −dim(A). Only where temperature is null.',
    },
  },
} as const;

/** Resolved for the code: no optional field, no null that stands for another field. */
export interface SacConfig {
  readonly actorLearningRate: number;
  readonly criticLearningRate: number;
  readonly temperatureLearningRate: number;
  readonly hiddenSizes: readonly number[];
  readonly discount: number;
  readonly targetSmoothing: number;
  readonly replayCapacity: number;
  readonly batchSize: number;
  readonly learningStarts: number;
  readonly trainFrequency: number;
  /** Updates a round, −1 resolved. */
  readonly gradientSteps: number;
  readonly rewardScale: number;
  /** Fixed α, or null where it is learnt. */
  readonly temperature: number | null;
  readonly initialTemperature: number;
  readonly targetEntropy: number;
}

// strictTypes off: "number or null" is one field here. No coercion: "256" is not 256.
const validate = new Ajv2020({ useDefaults: true, strictTypes: false }).compile(SAC_SCHEMA);

/** `given` with defaults. Throws `invalid_hyperparameter` naming field, value and what is allowed. */
export function resolveSac(given: Readonly<Record<string, unknown>>): Hyperparameters {
  const filled: Record<string, unknown> = structuredClone(given);
  if (!validate(filled))
    throw new DomainError(
      'invalid_hyperparameter',
      explain((validate.errors as ErrorObject[])[0] as ErrorObject, given),
    );
  return Object.freeze(filled) as Hyperparameters;
}

/** What resolved hyperparameters mean with actions of `actionSize` numbers. */
export function sacConfig(resolved: Hyperparameters, actionSize: number): SacConfig {
  const h = resolved as unknown as Resolved;
  return {
    actorLearningRate: h.actor_learning_rate ?? h.learning_rate,
    criticLearningRate: h.critic_learning_rate ?? h.learning_rate,
    temperatureLearningRate: h.temperature_learning_rate ?? h.learning_rate,
    hiddenSizes: h.hidden_sizes,
    discount: h.discount,
    targetSmoothing: h.target_smoothing,
    replayCapacity: h.replay_capacity,
    batchSize: h.batch_size,
    learningStarts: h.learning_starts,
    trainFrequency: h.train_frequency,
    gradientSteps: h.gradient_steps === -1 ? h.train_frequency : h.gradient_steps,
    rewardScale: h.reward_scale,
    temperature: h.temperature,
    initialTemperature: h.initial_temperature,
    targetEntropy: h.target_entropy ?? -actionSize,
  };
}

type Nullable =
  | 'actor_learning_rate'
  | 'critic_learning_rate'
  | 'temperature_learning_rate'
  | 'temperature'
  | 'target_entropy';
type Resolved = { readonly hidden_sizes: readonly number[] } & {
  readonly [name in Exclude<keyof typeof SAC_SCHEMA.properties, 'variant' | 'hidden_sizes' | Nullable>]: number;
} & { readonly [name in Nullable]: number | null };

function explain(error: ErrorObject, given: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(SAC_SCHEMA.properties);
  if (error.keyword === 'additionalProperties') {
    const unknown = String((error.params as { additionalProperty: string }).additionalProperty);
    return `SAC has no hyperparameter "${unknown.slice(0, 64)}"; did you mean "${nearest(unknown, names)}"?`;
  }
  const [field = ''] = error.instancePath.slice(1).split('/');
  const value = JSON.stringify(given[field]) ?? 'undefined';
  return `The hyperparameter "${field}" is ${value.slice(0, 100)}; allowed is ${allowed(field)}.`;
}

/** The range of a field in words, such as `a number or null, ≥ 0, ≤ 1`. */
function allowed(field: string): string {
  const schema = SAC_SCHEMA.properties[field as keyof typeof SAC_SCHEMA.properties] as Readonly<
    Record<string, unknown>
  >;
  if (Array.isArray(schema['enum'])) return `one of ${JSON.stringify(schema['enum'])}`;
  if (schema['type'] === 'array') {
    const items = schema['items'] as Readonly<Record<string, unknown>>;
    return `a list of ${schema['minItems']} to ${schema['maxItems']} integers, each ≥ ${items['minimum']} and ≤ ${items['maximum']}`;
  }
  const type = [schema['type']].flat().join(' or ');
  const lowest =
    schema['exclusiveMinimum'] === undefined ? `≥ ${schema['minimum']}` : `> ${schema['exclusiveMinimum']}`;
  return `${type}, ${lowest} and ≤ ${schema['maximum']}`;
}
