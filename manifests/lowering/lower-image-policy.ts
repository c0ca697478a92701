import type { Authority, TextMatch, TextSource } from '../image-policy.ts';
import type { WrittenImageAuthority } from '../kinds/image-authority.ts';
import type { WrittenImagePolicy } from '../kinds/image-policy.ts';
import type { ImagePolicy } from '../resource.ts';
import { lowerMetadata } from './lower-resource.ts';

/** @returns what an ImagePolicy means: one signer is asked for, and whoever may sign may attest, unless it says otherwise. */
export function lowerImagePolicy({ metadata, spec }: WrittenImagePolicy): ImagePolicy {
  const { authorities = [], attestations = [] } = spec;
  const names = authorities.map(({ name }) => name);
  return {
    kind: 'ImagePolicy',
    ...lowerMetadata(metadata),
    nodeSelector: spec.nodeSelector ?? {},
    repositories: spec.repositories,
    acceptsUnsigned: spec.acceptUnsigned ?? false,
    authorities: authorities.map(lowerAuthority),
    threshold: spec.threshold ?? 1,
    attestations: attestations.map((attestation) => ({
      predicateType: attestation.predicateType,
      authorities: attestation.authorities ?? names,
      threshold: attestation.threshold ?? 1,
      maxAgeHours: attestation.maxAgeHours ?? null,
    })),
    revoked: spec.revoked ?? [],
  };
}

function lowerAuthority(written: WrittenImageAuthority): Authority {
  const { name, key, keyless, notation } = written;
  const term = { name, notBefore: written.notBefore ?? null, notAfter: written.notAfter ?? null };
  if (key) return { ...term, type: 'key', key: source(key.pem, key.file) };
  if (keyless) {
    return {
      ...term,
      type: 'keyless',
      trustedRoot: source(keyless.trustedRoot.json, keyless.trustedRoot.file),
      identities: keyless.identities.map((identity) => ({
        issuer: match(identity.issuer, identity.issuerPattern),
        subject: match(identity.subject, identity.subjectPattern),
      })),
      logEntries: keyless.logEntries ?? 1,
      certificateLogs: keyless.certificateLogs ?? 1,
      timestamps: keyless.timestamps ?? 0,
    };
  }
  return {
    ...term,
    type: 'notation',
    certificates: source(notation?.certificates.pem, notation?.certificates.file),
    identities: notation?.identities ?? null,
  };
}

/** One of the two was written: the schema sees to it. */
function source(text: string | undefined, path = ''): TextSource {
  return text === undefined ? { type: 'file', path } : { type: 'inline', text };
}

function match(text: string | undefined, pattern = ''): TextMatch {
  return text === undefined ? { type: 'pattern', pattern } : { type: 'exact', text };
}
