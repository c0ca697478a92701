import { distance } from 'fastest-levenshtein';

/** Longer words are not looked at: no name of ours comes near, and the comparison takes time. */
const LONGEST = 64;

/** @returns the candidate most like `word` (case aside), or null when none is close enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (word.length > LONGEST) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const steps = mistakes(word.toLowerCase(), candidate.toLowerCase());
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}

/** Letters in the wrong order count as one mistake. */
function mistakes(word: string, candidate: string): number {
  return sortLetters(word) === sortLetters(candidate)
    ? Math.min(distance(word, candidate), 1)
    : distance(word, candidate);
}

function sortLetters(word: string): string {
  return [...word].sort().join('');
}
