/** What a registry asks for in WWW-Authenticate (RFC 9110 section 11, distribution token authentication). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: string;
      readonly service: string | null;
      readonly scope: string | null;
    };

/** Reads a WWW-Authenticate header. @returns null for a scheme or form that is not known. */
export function parseChallenge(header: string | undefined): Challenge | null {
  const [, scheme, rest] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header ?? '') ?? [];
  if (scheme?.toLowerCase() === 'basic') return { scheme: 'basic' };
  if (scheme?.toLowerCase() !== 'bearer') return null;
  const parameters = new Map<string, string>();
  for (const [, name, quoted, plain] of (rest ?? '').matchAll(
    /([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  )) {
    if (name) parameters.set(name.toLowerCase(), plain ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
  }
  const realm = parameters.get('realm');
  if (!realm) return null;
  return {
    scheme: 'bearer',
    realm,
    service: parameters.get('service') ?? null,
    scope: parameters.get('scope') ?? null,
  };
}
