import type { YAMLParseError } from 'yaml';

/** What to do about the mistakes people make most; the others are explained well enough by the parser. */
const HINTS: Partial<Record<YAMLParseError['code'], string>> = {
  TAB_AS_INDENT: 'a tab cannot indent YAML; use spaces',
  BLOCK_AS_IMPLICIT_KEY:
    'a value cannot contain `: ` unless it is in quotes; quote it, or put the map on lines of its own',
  BAD_SCALAR_START: 'put it in quotes',
  BAD_DQ_ESCAPE: 'write `\\\\` for a backslash, or use single quotes',
  MULTIPLE_DOCS: 'separate documents with a line `---`',
};

/** @returns a syntax error as a sentence with what to do. */
export function syntaxMessage(error: YAMLParseError): string {
  const hint = HINTS[error.code];
  if (error.code === 'TAB_AS_INDENT' || error.code === 'BLOCK_AS_IMPLICIT_KEY') return `not valid YAML: ${hint}`;
  const said = error.message.charAt(0).toLowerCase() + error.message.slice(1);
  return hint ? `not valid YAML: ${said}; ${hint}` : `not valid YAML: ${said}`;
}
