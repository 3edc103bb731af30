// Did you mean: the known name with the fewest edits.

/** Insertions, deletions and substitutions between two words (Wagner & Fischer 1974). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}

/** The name nearest to `word`. A long word is cut: a request cannot buy quadratic time. There must be at least one name. */
export function nearestName(word: string, names: readonly string[]): string {
  const wanted = word.slice(0, 64).toLowerCase();
  const distance = (name: string): number => editDistance(wanted, name.toLowerCase());
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}
