import { objectOf, setOf, type Term, whole } from './term.ts';

/** Text as a module writes it, and how far it is read. */
interface Cursor {
  readonly text: string;
  at: number;
}

const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORDS: Readonly<Record<string, Term>> = { null: null, true: true, false: false, 'set()': setOf([]) };
const WORD = /null|true|false|set\(\)/y;

/**
 * Reads a value as OPA's WebAssembly modules write it (`opa_value_dump`): JSON, and sets as Rego writes them.
 * @throws Error for anything else, which only a broken module writes
 */
export function parseTerm(text: string): Term {
  const cursor = { text, at: 0 };
  const term = readTerm(cursor);
  skipSpace(cursor);
  if (cursor.at !== text.length) throw unexpected(cursor);
  return term;
}

function readTerm(cursor: Cursor): Term {
  skipSpace(cursor);
  switch (cursor.text[cursor.at]) {
    case '"':
      return JSON.parse(take(cursor, STRING)) as string;
    case '[':
      return readList(cursor, ']', readTerm);
    case '{':
      return readBraces(cursor);
    default:
      return readScalar(cursor);
  }
}

function readScalar(cursor: Cursor): Term {
  const word = match(cursor, WORD);
  if (word !== null) return WORDS[word] as Term;
  const digits = take(cursor, NUMBER);
  return /^-?\d+$/.test(digits) ? whole(BigInt(digits)) : Number(digits);
}

/** An object when its first value has a colon behind it, a set otherwise. */
function readBraces(cursor: Cursor): Term {
  let isSet = false;
  const pairs = readList(cursor, '}', (inner): readonly [Term, Term] => {
    const key = readTerm(inner);
    skipSpace(inner);
    if (inner.text[inner.at] !== ':') {
      isSet = true;
      return [key, null];
    }
    inner.at += 1;
    return [key, readTerm(inner)];
  });
  return isSet ? setOf(pairs.map(([key]) => key)) : objectOf(pairs);
}

function readList<T>(cursor: Cursor, end: string, readItem: (cursor: Cursor) => T): T[] {
  const items: T[] = [];
  cursor.at += 1;
  for (;;) {
    skipSpace(cursor);
    if (cursor.text[cursor.at] === end) break;
    items.push(readItem(cursor));
    skipSpace(cursor);
    if (cursor.text[cursor.at] === ',') cursor.at += 1;
    else if (cursor.text[cursor.at] !== end) throw unexpected(cursor);
  }
  cursor.at += 1;
  return items;
}

function skipSpace(cursor: Cursor): void {
  while (cursor.text[cursor.at] === ' ' || cursor.text[cursor.at] === '\n') cursor.at += 1;
}

function take(cursor: Cursor, pattern: RegExp): string {
  const found = match(cursor, pattern);
  if (found === null) throw unexpected(cursor);
  return found;
}

function match(cursor: Cursor, pattern: RegExp): string | null {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0] ?? null;
  cursor.at += found?.length ?? 0;
  return found;
}

function unexpected({ text, at }: Cursor): Error {
  return new Error(`the policy module wrote a value that is none: ${JSON.stringify(text.slice(at, at + 20))} at ${at}`);
}
