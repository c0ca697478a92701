import type { KeylessIdentity, TextMatch } from '../../../manifests/index.ts';

/** Longer ones are nobody's, and a pattern takes its time. */
const LONGEST_TEXT = 2048;

/** @returns whether both the issuer and the subject are as an identity wants them: the whole of each, never a part. */
export function matchesIdentity(
  identity: KeylessIdentity,
  signer: { readonly issuer: string; readonly subject: string },
): boolean {
  return matches(identity.issuer, signer.issuer) && matches(identity.subject, signer.subject);
}

function matches(match: TextMatch, text: string): boolean {
  if (text === '' || text.length > LONGEST_TEXT) return false;
  return match.type === 'exact' ? match.text === text : new RegExp(`^(?:${match.pattern})$`, 'su').test(text);
}
