// Soft policy evaluation (arXiv:1801.01290, section 4.1, Lemma 1), in float64 and with the temperature α written out: the
// paper absorbs it into the reward.
import { DomainError } from '../../../errors.ts';
import type { FlatModel } from './flat-model.ts';

/** H(π(·|s)) = −Σ_a π(a|s)·log π(a|s) in nats, [states], with 0·log 0 = 0. π is [states · actions]. */
export function stateEntropies(policy: Float64Array, actions: number): Float64Array {
  const entropies = new Float64Array(policy.length / actions);
  for (const [pair, p] of policy.entries()) {
    const state = Math.floor(pair / actions);
    if (p > 0) entropies[state] = (entropies[state] as number) - p * Math.log(p);
  }
  return entropies;
}

/**
 * V(s) = Σ_a π(a|s)·(Q(s,a) − α·log π(a|s)) = Σ_a π(a|s)·Q(s,a) + α·H(π(·|s)): equation 3.
 * Q and π are [states · actions]; H and V are [states].
 */
export function softStateValues(
  policy: Float64Array,
  entropies: Float64Array,
  q: Float64Array,
  temperature: number,
): Float64Array {
  const actions = q.length / entropies.length;
  const values = new Float64Array(entropies.length);
  let pair = 0;
  for (let state = 0; state < values.length; state++) {
    let expected = 0;
    for (let action = 0; action < actions; action++, pair++) expected += (policy[pair] as number) * (q[pair] as number);
    values[state] = expected + temperature * (entropies[state] as number);
  }
  return values;
}

/** (T^π Q)(s,a) = r(s,a) + γ·E[V(s')]: equation 2, with V of the very π. Written into `backup`, [states · actions]. */
export function softBackup(model: FlatModel, values: Float64Array, discount: number, backup: Float64Array): void {
  const { rewards, offsets, next, probabilities } = model;
  for (let pair = 0; pair < backup.length; pair++) {
    let future = 0;
    const end = offsets[pair + 1] as number;
    for (let i = offsets[pair] as number; i < end; i++)
      future += (probabilities[i] as number) * (values[next[i] as number] as number);
    backup[pair] = (rewards[pair] as number) + discount * future;
  }
}

/** ‖a − b‖∞. NaN where either holds one. */
export function distance(a: Float64Array, b: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  return largest;
}

/** ‖a‖∞. */
function magnitude(a: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] as number));
  return largest;
}

export interface EvaluationOptions {
  /** α. */
  readonly temperature: number;
  /** γ < 1. */
  readonly discount: number;
  /** How far Q may end from Q^π. */
  readonly tolerance: number;
  readonly maxSweeps: number;
}

export interface SoftValues {
  /** [states · actions]. */
  readonly q: Float64Array;
  /** Of `q` under the policy, [states]. */
  readonly values: Float64Array;
  /** ‖Q − T^π Q‖∞; above what was asked for where the number of sweeps ended it. */
  readonly residual: number;
  /** Applications of T^π. */
  readonly sweeps: number;
}

/** Of one number of Q, relative: what a sum over outcomes and a product can leave, so that no residual need be smaller. */
const ROUNDING = 8 * Number.EPSILON;

/**
 * Q^π as the limit of Q ← T^π Q from `start`. Null where `shouldStop`, asked before every sweep, says so.
 *
 * T^π is a γ-contraction in ‖·‖∞, so ‖Q − Q^π‖∞ ≤ ‖Q − T^π Q‖∞ / (1 − γ): it stops at a residual of (1 − γ)·tolerance (or
 * what rounding leaves). T^π is also monotone. Where `start` is the Q of the policy before and π its improvement,
 * T^π Q ≥ Q − residual; hence every Q on the way, and the last one, is at least `start` − residual/(1 − γ) ≥ `start` −
 * tolerance: Lemma 2 holds for what is computed, not for its limit alone.
 *
 * Throws `non_finite` where rewards are so large that Q overflows.
 */
export function evaluateSoftPolicy(
  model: FlatModel,
  policy: Float64Array,
  start: Float64Array,
  { temperature, discount, tolerance, maxSweeps }: EvaluationOptions,
  shouldStop: () => boolean = () => false,
): SoftValues | null {
  const entropies = stateEntropies(policy, model.actions);
  let [q, backup] = [start.slice(), new Float64Array(start.length)];
  for (let sweeps = 0; ; sweeps++) {
    if (shouldStop()) return null;
    const values = softStateValues(policy, entropies, q, temperature);
    softBackup(model, values, discount, backup);
    const residual = distance(backup, q);
    if (!Number.isFinite(residual)) {
      throw new DomainError(
        'non_finite',
        `Q is no longer finite after ${sweeps} sweeps of policy evaluation; the rewards or the temperature (${temperature}) are too large for float64. Make them smaller, in the keyword arguments of the environment or in the hyperparameters.`,
      );
    }
    const isSettled = residual <= Math.max((1 - discount) * tolerance, ROUNDING * magnitude(q));
    if (isSettled || sweeps === maxSweeps) return { q, values, residual, sweeps };
    [q, backup] = [backup, q];
  }
}
