import { quoteGo } from './quote-go.ts';
import { isArrayTerm, isObjectTerm, type Term } from './term.ts';

/** @returns the value as OPA's own messages print it. */
export const printTerm = (term: Term): string => print(term, (text) => quoteGo(text));

/** @returns the value as OPA's WebAssembly modules read it (`opa_value_parse`): JSON, and sets as Rego writes them. */
export const encodeTerm = (term: Term): string => print(term, JSON.stringify);

function print(term: Term, quote: (text: string) => string): string {
  if (typeof term === 'string') return quote(term);
  if (term === null || typeof term !== 'object') return String(term);
  if (isArrayTerm(term)) return `[${term.map((item) => print(item, quote)).join(', ')}]`;
  if (isObjectTerm(term)) {
    return `{${term.entries.map(([key, value]) => `${print(key, quote)}: ${print(value, quote)}`).join(', ')}}`;
  }
  return term.items.length === 0 ? 'set()' : `{${term.items.map((item) => print(item, quote)).join(', ')}}`;
}
