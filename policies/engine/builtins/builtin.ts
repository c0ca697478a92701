import type { Term } from '../terms/term.ts';

/**
 * A builtin function of Rego that a WebAssembly module leaves to its host. It is pure. What OPA calls a builtin error
 * (an operand of another type, a text that does not parse) is undefined, as the expression is then.
 */
export type Builtin = (...operands: readonly Term[]) => Term | undefined;

/** Builtins by the names Rego calls them by. */
export type Builtins = Readonly<Record<string, Builtin>>;

/** @returns a builtin of texts, undefined for operands that are none. */
export function ofTexts(compute: (...texts: readonly string[]) => Term | undefined): Builtin {
  return (...operands) => (areTexts(operands) ? compute(...operands) : undefined);
}

/** Whether all are texts. */
export const areTexts = (terms: readonly Term[]): terms is readonly string[] =>
  terms.every((term) => typeof term === 'string');
