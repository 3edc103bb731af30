// Soft policy improvement (arXiv:1801.01290, section 4.1, Lemma 2), in float64.

/**
 * π_new(·|s) = argmin_π' KL(π' ‖ exp(Q(s,·)/α)/Z) = softmax(Q(s,·)/α): equation 4, over all policies. The largest Q of a state
 * is taken off before the exponential, which then never overflows. At α = 0 it is the limit: the action of the largest Q, of
 * equals the lowest. Q and π are [states · actions].
 */
export function improvePolicy(q: Float64Array, actions: number, temperature: number): Float64Array {
  const policy = new Float64Array(q.length);
  for (let first = 0; first < q.length; first += actions) {
    const best = first + largestIndex(q.subarray(first, first + actions));
    if (temperature === 0) {
      policy[best] = 1;
      continue;
    }
    let sum = 0;
    for (let pair = first; pair < first + actions; pair++) {
      const weight = Math.exp(((q[pair] as number) - (q[best] as number)) / temperature);
      policy[pair] = weight;
      sum += weight;
    }
    for (let pair = first; pair < first + actions; pair++) policy[pair] = (policy[pair] as number) / sum;
  }
  return policy;
}

/** The mode of `improvePolicy(q)`, [states]: the action of the largest Q, of equals the lowest. Exact where π is rounded to equals. */
export function greedyActions(q: Float64Array, actions: number): Float32Array {
  return Float32Array.from({ length: q.length / actions }, (_, state) =>
    largestIndex(q.subarray(state * actions, (state + 1) * actions)),
  );
}

function largestIndex(row: Float64Array): number {
  return row.reduce((best, x, i) => (x > (row[best] as number) ? i : best), 0);
}
