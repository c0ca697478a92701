import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type SignedEntity, type TrustMaterial, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { orRejected, Rejection } from '../rejection.ts';
import { rejectionOf } from './rejection-of.ts';

/** A bundle that sigstore's library could read. */
export interface ParsedBundle {
  readonly bundle: Bundle;
  /** The signer's certificate, DER. */
  readonly leaf: Buffer;
}

/** What a signature must have beside its certificate. */
export interface KeylessDemands {
  /** JSON. */
  readonly trustedRoot: string;
  readonly logEntries: number;
  readonly certificateLogs: number;
  readonly timestamps: number;
}

/** Reads a bundle that has a certificate. @throws Rejection `malformed` */
export function readBundle(json: unknown): ParsedBundle {
  return orRejected('malformed', 'a sigstore bundle cannot be read', () => {
    const bundle = bundleFromJSON(json);
    const { content } = bundle.verificationMaterial;
    switch (content.$case) {
      case 'certificate':
        return { bundle, leaf: Buffer.from(content.certificate.rawBytes) };
      case 'x509CertificateChain':
        return { bundle, leaf: Buffer.from(content.x509CertificateChain.certificates[0]?.rawBytes ?? []) };
      case 'publicKey':
        throw new Rejection('malformed', 'a bundle without a certificate');
      default:
        return content satisfies never;
    }
  });
}

/**
 * Verifies everything about a bundle that the trusted root can say.
 * @param signed the bytes that the signature is over.
 * @throws Rejection
 */
export function verifyBundle(
  { bundle }: ParsedBundle,
  signed: Buffer,
  demands: KeylessDemands,
): { readonly subject: string; readonly issuer: string; readonly signedAt: number } {
  const trust = trustMaterial(demands.trustedRoot);
  try {
    const entity = toSignedEntity(bundle, signed);
    const authorityTimes = timesOf(entity, 'timestamp-authority');
    if (authorityTimes.length < demands.timestamps) {
      const message = `it has ${authorityTimes.length} timestamps of ${demands.timestamps} that are wanted`;
      throw new Rejection('no-timestamp', message);
    }
    const thresholds = { tlogThreshold: demands.logEntries, ctlogThreshold: demands.certificateLogs };
    const { identity } = new Verifier(trust, { ...thresholds, timestampThreshold: 1 }).verify(entity);
    return {
      subject: identity?.subjectAlternativeName ?? '',
      issuer: identity?.extensions?.issuer ?? '',
      signedAt: Math.min(...authorityTimes, ...timesOf(entity, 'transparency-log')),
    };
  } catch (error) {
    throw rejectionOf(error);
  }
}

/** Times are believed once the verifier has passed them; it holds every one of them to the trusted root. */
function timesOf({ timestamps }: SignedEntity, source: SignedEntity['timestamps'][number]['$case']): readonly number[] {
  return timestamps.flatMap((timestamp) => {
    if (timestamp.$case !== source) return [];
    if (timestamp.$case === 'timestamp-authority') return [timestamp.timestamp.signingTime.getTime()];
    // Only a promise of the log is over the time, too.
    return timestamp.tlogEntry.inclusionPromise ? [Number(timestamp.tlogEntry.integratedTime) * 1_000] : [];
  });
}

function trustMaterial(json: string): TrustMaterial {
  return orRejected('unusable-authority', 'the trusted root cannot be read', () =>
    toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(json))),
  );
}
