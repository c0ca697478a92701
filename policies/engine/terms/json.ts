import { parseTerm } from './parse-term.ts';
import { isArrayTerm, isObjectTerm, isSetTerm, objectOf, type Term } from './term.ts';

/** How JSON is broken into lines: what each begins with, and how far a level moves to the right. */
export interface Layout {
  readonly indent: string;
  readonly prefix: string;
}

/** @returns the value as JSON as OPA writes it: keys sorted, sets as arrays, numbers whole. */
export function toJson(term: Term, layout?: Layout): string {
  return (layout?.prefix ?? '') + write(term, layout, 0);
}

/** @returns the value of a JSON text, whole numbers exact; undefined when it is none. */
export function fromJson(text: string): Term | undefined {
  try {
    JSON.parse(text);
    return parseTerm(text.replace(/[\t\r]/g, ' '));
  } catch {
    return undefined;
  }
}

/** @returns a value of JavaScript as a term: what JSON and YAML parsers give. */
export function fromPlain(value: unknown): Term {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (value instanceof Map)
    return objectOf([...value].map(([key, item]) => [fromPlain(key), fromPlain(item)] as const));
  if (value !== null && typeof value === 'object') {
    return objectOf(Object.entries(value).map(([key, item]) => [key, fromPlain(item)] as const));
  }
  return value as Term;
}

function write(term: Term, layout: Layout | undefined, depth: number): string {
  if (isObjectTerm(term)) {
    const colon = layout ? ': ' : ':';
    const pairs = term.entries.map(
      ([key, value]) => JSON.stringify(keyOf(key)) + colon + write(value, layout, depth + 1),
    );
    return enclose('{', pairs, '}', layout, depth);
  }
  if (isArrayTerm(term) || isSetTerm(term)) {
    const items = isSetTerm(term) ? term.items : term;
    return enclose(
      '[',
      items.map((item) => write(item, layout, depth + 1)),
      ']',
      layout,
      depth,
    );
  }
  return typeof term === 'bigint' ? String(term) : escapeForHtml(JSON.stringify(term));
}

/** JSON has texts for keys only. */
const keyOf = (key: Term): string => (typeof key === 'string' ? key : write(key, undefined, 0));

/** As Go's encoding/json does, so that it can stand in a page. */
const escapeForHtml = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

function enclose(
  open: string,
  items: readonly string[],
  close: string,
  layout: Layout | undefined,
  depth: number,
): string {
  if (!layout || items.length === 0) return open + items.join(',') + close;
  const line = (level: number): string => `\n${layout.prefix}${layout.indent.repeat(level)}`;
  return open + items.map((item) => line(depth + 1) + item).join(',') + line(depth) + close;
}
