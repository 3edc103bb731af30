// The name that was probably meant.
import { closest, distance } from 'fastest-levenshtein';

/** Longer words are no slips, and a hostile request must not buy quadratic time. */
const LONGEST = 64;

/** The candidate with the fewest edits, whatever the case of its letters; null where more than half of it would change, and more than two letters. */
export function slipOf(word: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0 || word.length > LONGEST) return null;
  const lower = candidates.map((candidate) => candidate.toLowerCase());
  const found = closest(word.toLowerCase(), lower);
  const edits = distance(word.toLowerCase(), found);
  const longer = Math.max(word.length, found.length);
  return edits <= Math.max(2, longer / 2) && edits < longer ? (candidates[lower.indexOf(found)] ?? null) : null;
}

/** ` Did you mean "seed"?`, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const slip = slipOf(word, candidates);
  return slip === null ? '' : ` Did you mean "${slip}"?`;
}
