/** A Rego value as a builtin of the host gets and gives it. Whole numbers that a double cannot hold are bigints. */
export type Term = null | boolean | number | bigint | string | readonly Term[] | TermObject | TermSet;

/** An object of Rego: its keys may be any value. */
export interface TermObject {
  readonly kind: 'object';
  /** Sorted by key, each key once. */
  readonly entries: readonly (readonly [Term, Term])[];
}

/** A set of Rego, which JSON has no word for. */
export interface TermSet {
  readonly kind: 'set';
  /** Sorted, each value once. */
  readonly items: readonly Term[];
}

/** @returns a set of the values, in Rego's order, each once. */
export function setOf(values: Iterable<Term>): TermSet {
  const sorted = [...values].sort(compareTerms);
  return { kind: 'set', items: sorted.filter((item, index) => index === 0 || !areEqual(item, sorted[index - 1])) };
}

/** @returns an object of the pairs, in Rego's order of keys; of pairs with the same key, the last counts. */
export function objectOf(pairs: Iterable<readonly [Term, Term]>): TermObject {
  const sorted = [...pairs].sort(([a], [b]) => compareTerms(a, b));
  return { kind: 'object', entries: sorted.filter(([key], index) => !areEqual(key, sorted[index + 1]?.[0])) };
}

/** @returns the value under a key that is a text; undefined when there is none. */
export function fieldOf(object: TermObject, name: string): Term | undefined {
  return object.entries.find(([key]) => key === name)?.[1];
}

export const isObjectTerm = (term: Term | undefined): term is TermObject => kindOf(term) === 'object';
export const isSetTerm = (term: Term | undefined): term is TermSet => kindOf(term) === 'set';
export const isArrayTerm = (term: Term | undefined): term is readonly Term[] => Array.isArray(term);
export const isNumberTerm = (term: Term | undefined): term is number | bigint =>
  typeof term === 'number' || typeof term === 'bigint';

/** @returns the number as a bigint where it was written as a whole one; undefined otherwise. */
export function wholeOf(term: Term | undefined): bigint | undefined {
  if (typeof term === 'bigint') return term;
  return Number.isSafeInteger(term) ? BigInt(term as number) : undefined;
}

/** @returns a whole number as a Term: a number where a double holds it. */
export function whole(value: bigint): number | bigint {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
}

/** @returns the values of an array or a set; undefined for anything else. */
export function itemsOf(term: Term | undefined): readonly Term[] | undefined {
  if (isArrayTerm(term)) return term;
  return isSetTerm(term) ? term.items : undefined;
}

const areEqual = (a: Term | undefined, b: Term | undefined): boolean =>
  a !== undefined && b !== undefined && compareTerms(a, b) === 0;

/**
 * The order of Rego's values (OPA, "Policy Reference", on comparison): null, booleans, numbers, strings by their bytes,
 * arrays, objects, sets.
 */
export function compareTerms(a: Term, b: Term): number {
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA !== rankB) return rankA - rankB;
  if (isNumberTerm(a) && isNumberTerm(b)) return a < b ? -1 : Number(a > b);
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (isArrayTerm(a) && isArrayTerm(b)) return compareLists(a, b);
  if (isSetTerm(a) && isSetTerm(b)) return compareLists(a.items, b.items);
  if (isObjectTerm(a) && isObjectTerm(b)) return compareLists(a.entries, b.entries);
  return Number(a) - Number(b);
}

function compareLists(a: readonly Term[], b: readonly Term[]): number {
  for (const [index, item] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareTerms(item, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const RANKS = ['null', 'boolean', 'number', 'string', 'array', 'object', 'set'] as const;

/** What Rego calls the type of a value. */
export function kindOf(term: Term | undefined): (typeof RANKS)[number] | 'undefined' {
  if (term === undefined) return 'undefined';
  if (term === null) return 'null';
  if (typeof term === 'bigint') return 'number';
  if (isArrayTerm(term)) return 'array';
  return typeof term === 'object' ? term.kind : (typeof term as 'boolean' | 'number' | 'string');
}

const rankOf = (term: Term): number => (RANKS as readonly string[]).indexOf(kindOf(term));
