/**
 * Makes what git wrote fit for a message: credentials out, control characters out, bounded length.
 * @param secrets values that must not appear, such as the token.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/[^\P{Cc}\n]/gu, '');
  for (const secret of secrets) clean = clean.replaceAll(secret, '***');
  return clean
    .replace(/\/\/[^\s/@]+@/g, '//***@')
    .replace(/(authorization:\s*\S+\s+)\S+/gi, '$1***')
    .trim()
    .slice(0, 16_384);
}
