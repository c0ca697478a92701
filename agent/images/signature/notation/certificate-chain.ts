import type { X509Certificate } from 'node:crypto';
import { certificateFingerprint, isRevoked } from '../fingerprint.ts';
import { Rejection } from '../rejection.ts';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/**
 * Holds a chain, signer's first, to a trust store: each certificate issued by the next, the last by itself, one of them in
 * the store, all valid now and when it was signed, none revoked, the first for signing and the others for certificates.
 * @param times milliseconds since the epoch.
 * @throws Rejection `untrusted-certificate`, `expired-certificate`, `revoked`
 */
export function verifyChain(
  chain: readonly X509Certificate[],
  store: readonly X509Certificate[],
  times: { readonly now: number; readonly signedAt: number },
  revoked: ReadonlySet<string>,
): void {
  chain.forEach((certificate, position) => {
    requireIssued(certificate, chain[position + 1] ?? certificate, position === chain.length - 1);
    if (position > 0 && !certificate.ca) throw untrusted(certificate, 'issues others and is no authority');
  });
  const [leaf] = chain as readonly [X509Certificate];
  if (chain.length > 1 && leaf.ca) throw untrusted(leaf, 'is an authority and must not sign images itself');
  // A certificate without a list is for everything.
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(CODE_SIGNING)) {
    throw untrusted(leaf, 'is not for signing code');
  }
  const trusted = new Set(store.map(certificateFingerprint));
  if (!chain.some((certificate) => trusted.has(certificateFingerprint(certificate)))) {
    throw untrusted(leaf, 'leads to no certificate of the trust store');
  }
  for (const certificate of chain) {
    if (isRevoked(certificate, revoked)) throw new Rejection('revoked', `${nameOf(certificate)} was revoked`);
  }
  for (const certificate of chain) for (const time of [times.signedAt, times.now]) requireValid(certificate, time);
}

function requireIssued(certificate: X509Certificate, issuer: X509Certificate, isLast: boolean): void {
  // A certificate that signs for itself need not be an authority, and OpenSSL would want it to be one.
  const isNamed = isLast ? certificate.subject === certificate.issuer : certificate.checkIssued(issuer);
  if (isNamed && certificate.verify(issuer.publicKey)) return;
  throw untrusted(certificate, 'was not issued by the next of its chain');
}

function requireValid(certificate: X509Certificate, time: number): void {
  if (certificate.validFromDate.getTime() <= time && time <= certificate.validToDate.getTime()) return;
  const period = `${certificate.validFromDate.toISOString()} to ${certificate.validToDate.toISOString()}`;
  const message = `${nameOf(certificate)} is valid from ${period}, not at ${new Date(time).toISOString()}`;
  throw new Rejection('expired-certificate', message);
}

function untrusted(certificate: X509Certificate, what: string): Rejection {
  return new Rejection('untrusted-certificate', `the certificate of ${nameOf(certificate)} ${what}`);
}

/** @returns the subject of a certificate on one line. */
export function nameOf(certificate: X509Certificate): string {
  return certificate.subject.split('\n').join(', ');
}
