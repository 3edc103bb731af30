// Published settings by environment: where a hyperparameter is not given, they come before the defaults.
import type { Hyperparameters } from '../../algorithm.ts';

type Presets = Readonly<Record<string, Hyperparameters>>;

const ROBOTS = [
  'Ant-v5',
  'HalfCheetah-v5',
  'Hopper-v5',
  'Humanoid-v5',
  'HumanoidStandup-v5',
  'InvertedDoublePendulum-v5',
  'InvertedPendulum-v5',
  'Pusher-v5',
  'Reacher-v5',
  'Swimmer-v5',
  'Walker2d-v5',
];

/** Of rl-baselines3-zoo (hyperparams/sac.yml). MountainCarContinuous: its exploration there is state-dependent; here correlated noise stands for it. */
const V2: Presets = {
  ...Object.fromEntries(ROBOTS.map((spec) => [spec, { learning_starts: 10_000 }])),
  'Pendulum-v1': { learning_rate: 1e-3 },
  'MountainCarContinuous-v0': {
    hidden_sizes: [64, 64],
    batch_size: 512,
    replay_capacity: 50_000,
    discount: 0.9999,
    target_smoothing: 0.01,
    temperature: 0.1,
    train_frequency: 32,
    gradient_steps: 32,
    exploration_noise: 'ornstein_uhlenbeck',
    exploration_noise_std: 0.5,
  },
};

/** Of arXiv:1801.01290, table 2, and its code: reward scales, and 10,000 random steps for HalfCheetah and Ant. */
const V1: Presets = {
  'Ant-v5': { reward_scale: 5, learning_starts: 10_000 },
  'HalfCheetah-v5': { reward_scale: 5, learning_starts: 10_000 },
  'Hopper-v5': { reward_scale: 5 },
  'Humanoid-v5': { reward_scale: 20 },
  'Walker2d-v5': { reward_scale: 5 },
};

/** By variant, then by environment. */
export const PRESETS: Readonly<Record<string, Presets>> = { v2: V2, v1: V1 };

/** What a variant presets for `specId`; nothing where nothing is published. */
export function presetOf(variant: unknown, specId: string | null): Hyperparameters {
  const presets = typeof variant === 'string' && Object.hasOwn(PRESETS, variant) ? (PRESETS[variant] as Presets) : {};
  return specId !== null && Object.hasOwn(presets, specId) ? (presets[specId] as Hyperparameters) : {};
}
