/**
 * What this process knows of its table: the number the ruleset had when it was last as this process made it, and what the
 * table looked like then. Every change by anybody raises the number, so that one that is the same needs no further look.
 */
export interface RulesetSeal {
  generation: number | null;
  portrait: string | null;
  /** Names of the sets of the table. */
  sets: readonly string[];
  /** Whether ports of bridges were isolated when all was made whole. */
  isIsolated: boolean;
}

/** @returns a seal of which nothing is known yet. */
export function createSeal(): RulesetSeal {
  return { generation: null, portrait: null, sets: [], isIsolated: true };
}

/** Has nothing be known of the table any more: until it is made anew, its networks are observed as broken. */
export function breakSeal(seal: RulesetSeal): void {
  seal.generation = null;
  seal.portrait = null;
}
