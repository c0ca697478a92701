import type { ImagePolicy, StringMap } from '../../../manifests/index.ts';
import type { RejectedEvidence, VerifiedEvidence } from '../evidence.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { ReferenceRecord } from '../store/reference-records.ts';
import { authoritiesOfKeys, authoritiesOfPolicy } from './authority.ts';
import type { Evidence } from './found-evidence.ts';
import { policiesFor } from './policies-for.ts';
import type { TrustedKey } from './trusted-key.ts';
import { verifyAll } from './verify-evidence.ts';

/** Who may vouch for an image. */
export interface Trust {
  /** Of the agent's configuration: they count for every image, and nothing asks for them. */
  readonly keys: readonly TrustedKey[];
  /** That hold on this node. */
  readonly policies: readonly ImagePolicy[];
}

/** @returns whether anybody may, so that it makes sense to look for who did. */
export function hasAuthorities({ keys, policies }: Trust, repository: string): boolean {
  return keys.length > 0 || policiesFor(policies, repository).some(({ authorities }) => authorities.length > 0);
}

/** Verifies, from the store alone and as of now, all that was found about an image. */
export async function vouchForImage(
  record: ReferenceRecord,
  blobs: BlobStore,
  { keys, policies }: Trust,
): Promise<VerifiedEvidence> {
  const { registry, repository, topDigest, digest } = record;
  const ofPolicies = await Promise.all(policiesFor(policies, `${registry}/${repository}`).map(authoritiesOfPolicy));
  const authorities = [...authoritiesOfKeys(keys), ...ofPolicies.flat()];
  if (authorities.length === 0) return { signatures: [], attestations: [], rejected: [] };
  const lost: RejectedEvidence[] = [];
  const terms = { authorities, digests: [topDigest, digest], now: Date.now() };
  const verified = await verifyAll(stored(record, blobs, lost), terms);
  return { ...verified, rejected: [...record.rejected, ...lost, ...verified.rejected] };
}

/** One after the other, so that only one is in memory. */
async function* stored(
  { evidence }: ReferenceRecord,
  blobs: BlobStore,
  lost: RejectedEvidence[],
): AsyncGenerator<Evidence> {
  for (const { scheme, payload, signature, beside } of evidence) {
    const bytes = await blobs.get(payload);
    const annotations = beside === null ? Buffer.from('{}') : await blobs.get(beside);
    if (bytes && annotations) yield { scheme, payload: bytes, signature, beside: parse(annotations) };
    else lost.push({ code: 'missing', detail: `${payload} is not in the store any more` });
  }
}

/** Written by us, and its digest is right. */
function parse(bytes: Buffer): StringMap {
  return JSON.parse(bytes.toString('utf8')) as StringMap;
}
