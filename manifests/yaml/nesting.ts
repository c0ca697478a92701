import type { CST } from 'yaml';

/**
 * Finds where a document nests deeper than allowed. Works on the token tree with a stack of its own, because composing
 * and walking the document recurse, and must not be reached by input that could exhaust the call stack.
 * @returns the offset of the first collection beyond `limit` levels, or null.
 */
export function findDeepNesting(document: CST.Document, limit: number): number | null {
  const pending: { readonly token: CST.Token | null | undefined; readonly level: number }[] = [
    { token: document.value, level: 1 },
  ];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { token, level } = next;
    if (!token || !('items' in token)) continue;
    if (level > limit) return token.offset;
    for (const item of token.items) {
      pending.push({ token: item.value, level: level + 1 }, { token: item.key, level: level + 1 });
    }
  }
  return null;
}
