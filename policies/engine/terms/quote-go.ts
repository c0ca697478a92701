const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
/** Of that, what is in ASCII. */
export const PRINTABLE_ASCII = /^[ -~]$/;
/** What Go prints as it is: letters, marks, numbers, punctuation, symbols, and the ordinary space. */
export const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** @returns the text in double quotes with Go's escapes (Go's package strconv, `Quote` and `QuoteToASCII`). */
export function quoteGo(text: string, printable = PRINTABLE): string {
  return `"${[...text].map((character) => escapeGo(character, '"', printable)).join('')}"`;
}

/** @returns one character as Go writes it between quotes of this kind. */
export function escapeGo(character: string, quote: string, printable: RegExp): string {
  const code = character.codePointAt(0) as number;
  if (character === quote) return `\\${quote}`;
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
