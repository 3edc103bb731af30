// How good a policy is: whole episodes, fixed seeds, no learning.
import type { ActionCodec } from '../agent/action-codec.ts';
import type { Policy } from '../agent/algorithm.ts';
import type { Env } from '../envs/env.ts';
import type { Value } from '../envs/spaces/space.ts';
import type { Pcg64 } from '../math/pcg64.ts';
import { streamsOf } from './streams.ts';

export interface EvaluationPlan {
  readonly env: Env;
  readonly policy: Policy;
  readonly codec: ActionCodec;
  readonly episodes: number;
  /** Episode i begins with `reset({seed: seed + i})`: the same episodes for every policy. */
  readonly seed: number;
  /** The mean action; else actions are drawn from the policy. */
  readonly deterministic: boolean;
  /** Asked before every step; true ends the evaluation early. */
  readonly shouldStop?: () => boolean;
  readonly onEpisode?: (episode: EpisodeSummary) => void;
}

export interface EpisodeSummary {
  readonly return: number;
  readonly length: number;
}

export interface Evaluation {
  readonly episodes: readonly EpisodeSummary[];
  readonly returnMean: number;
  /** Population standard deviation of the returns. */
  readonly returnStd: number;
  readonly lengthMean: number;
}

/** The environment as it is, and with one perturbation at a time, in the order in which they were asked for. */
export interface PerturbedEvaluation extends Evaluation {
  readonly perturbed: readonly Evaluation[];
}

/** Where the environment sets no time limit, an episode is cut here: a policy that walks in circles has to end as well. */
const UNLIMITED_EPISODE_STEPS = 10_000;

/** Runs the episodes. Null where it was stopped. */
export async function evaluate(plan: EvaluationPlan): Promise<Evaluation | null> {
  const rng = streamsOf(plan.seed).acting;
  const episodes: EpisodeSummary[] = [];
  for (let i = 0; i < plan.episodes; i++) {
    const episode = await playEpisode(plan, plan.seed + i, rng);
    if (episode === null) return null;
    episodes.push(episode);
    plan.onEpisode?.(episode);
  }
  const returns = episodes.map((episode) => episode.return);
  return {
    episodes,
    returnMean: mean(returns),
    returnStd: Math.sqrt(mean(returns.map((value) => (value - mean(returns)) ** 2))),
    lengthMean: mean(episodes.map((episode) => episode.length)),
  };
}

async function playEpisode(plan: EvaluationPlan, seed: number, rng: Pcg64): Promise<EpisodeSummary | null> {
  const { env, policy, codec } = plan;
  const mode = plan.deterministic ? ({ deterministic: true } as const) : ({ deterministic: false, rng } as const);
  const limit = env.spec.maxEpisodeSteps ?? UNLIMITED_EPISODE_STEPS;
  let { observation } = env.reset({ seed });
  let total = 0;
  for (let length = 1; ; length++) {
    if (plan.shouldStop?.()) return null;
    const action = await policy.act(asArray(observation), mode);
    const step = env.step(codec.toSpace(action));
    total += step.reward;
    if (step.terminated || step.truncated || length >= limit) return { return: total, length };
    observation = step.observation;
  }
}

/** What an agent sees: of a Discrete space one number. */
export function asArray(observation: Value): Float32Array | Float64Array {
  return typeof observation === 'number' ? Float64Array.of(observation) : observation;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
