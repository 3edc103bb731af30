// What an evaluation came to, as the API shows it.
import type { Evaluation, PerturbedEvaluation } from '../training/evaluate.ts';
import type { EvaluateConfig } from './job-config.ts';

export type JobResult = Readonly<Record<string, unknown>>;

export function evaluationResult({ perturbations }: EvaluateConfig, evaluation: PerturbedEvaluation): JobResult {
  const { perturbed, ...plain } = evaluation;
  return {
    ...summaryOf(plain),
    perturbations: perturbed.map((result, i) => ({ ...perturbations[i], ...summaryOf(result) })),
  };
}

function summaryOf({ episodes, returnMean, returnStd, lengthMean }: Evaluation): JobResult {
  return {
    episodes: episodes.length,
    returns: episodes.map((episode) => episode.return),
    lengths: episodes.map((episode) => episode.length),
    return_mean: returnMean,
    return_std: returnStd,
    length_mean: lengthMean,
  };
}
