// Did you mean: the registered id with the fewest edits.

/** Insertions, deletions and substitutions between two words (Wagner & Fischer 1974). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substituted = (row[j] as number) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** The candidate nearest to `word`, whatever the case of its letters. There must be at least one candidate. */
export function nearest(word: string, candidates: readonly string[]): string {
  // Ids are short; a longer word is cut so that a hostile request cannot buy quadratic time.
  const wanted = word.slice(0, 64).toLowerCase();
  const distances = candidates.map((candidate) => editDistance(wanted, candidate.toLowerCase()));
  return candidates[distances.indexOf(Math.min(...distances))] as string;
}
