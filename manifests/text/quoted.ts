const LONGEST = 80;

/** @returns text from the input fit for a message: in backquotes, on one line, shortened when long. */
export function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `\`${escaped.length > LONGEST ? `${escaped.slice(0, LONGEST).toWellFormed()}…` : escaped}\``;
}
