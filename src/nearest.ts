// The name that was probably meant.
import { closest, distance } from 'fastest-levenshtein';

/** Longer words are cut: a hostile request must not buy quadratic time. */
const LONGEST = 64;

/** The candidate with the fewest edits, whatever the case of its letters. There must be at least one candidate. */
export function nearest(word: string, candidates: readonly string[]): string {
  const lower = candidates.map((candidate) => candidate.toLowerCase());
  const found = closest(word.slice(0, LONGEST).toLowerCase(), lower);
  const candidate = candidates[lower.indexOf(found)];
  if (candidate === undefined) throw new RangeError(`There is no candidate for "${word.slice(0, LONGEST)}".`);
  return candidate;
}

/** The nearest candidate where it is near enough to be a slip of the keyboard; else null. */
export function slipOf(word: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0 || word.length > LONGEST) return null;
  const candidate = nearest(word, candidates);
  const edits = distance(word.toLowerCase(), candidate.toLowerCase());
  return edits <= Math.max(2, Math.floor(word.length / 3)) ? candidate : null;
}
