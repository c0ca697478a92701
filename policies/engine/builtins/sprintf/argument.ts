import { printTerm } from '../../terms/print-term.ts';
import { isNumberTerm, type Term, whole, wholeOf } from '../../terms/term.ts';

/** An argument of sprintf as OPA hands it to Go: whole numbers, other numbers, and texts for everything else. */
export type Argument =
  | { readonly type: 'int' | '*big.Int'; readonly value: bigint }
  | { readonly type: 'float64'; readonly value: number }
  | { readonly type: 'string'; readonly value: string };

const INT_MAX = 2n ** 63n - 1n;

/** @returns what OPA's `sprintf` makes of a value before it formats: composite values become their text. */
export function toArgument(term: Term): Argument {
  const integer = wholeOf(term);
  if (integer !== undefined) {
    const isSmall = integer <= INT_MAX && integer >= -INT_MAX - 1n;
    return { type: isSmall ? 'int' : '*big.Int', value: integer };
  }
  if (isNumberTerm(term)) return { type: 'float64', value: Number(term) };
  return { type: 'string', value: typeof term === 'string' ? term : printTerm(term) };
}

/** @returns a whole number small enough to be a width; undefined otherwise. */
export function widthOf(argument: Argument | undefined): number | undefined {
  if (argument?.type !== 'int') return undefined;
  const width = whole(argument.value);
  return typeof width === 'number' && Math.abs(width) <= 1e6 ? width : undefined;
}
