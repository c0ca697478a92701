/** A text in which `▶` shows where a problem is expected. */
export interface MarkedText {
  /** Without the mark. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** Takes the mark out of a text. Throws when there is not exactly one. */
export function marked(text: string): MarkedText {
  const [before, after, ...more] = text.split('▶');
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`one ▶ expected in:\n${text}`);
  const lines = before.split('\n');
  return { text: before + after, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
