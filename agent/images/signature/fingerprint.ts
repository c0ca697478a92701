import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';

/** @returns `sha256:…` of a public key in DER: the same for a key wherever it comes from. */
export function keyFingerprint(key: KeyObject): string {
  return `sha256:${sha256(key.export({ type: 'spki', format: 'der' })).toString('hex')}`;
}

/** @returns `sha256:…` of a certificate in DER. */
export function certificateFingerprint(certificate: X509Certificate): string {
  return `sha256:${sha256(certificate.raw).toString('hex')}`;
}

/** @returns whether a certificate or the key it is for is among what was revoked. */
export function isRevoked(certificate: X509Certificate, revoked: ReadonlySet<string>): boolean {
  return revoked.has(certificateFingerprint(certificate)) || revoked.has(keyFingerprint(certificate.publicKey));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
