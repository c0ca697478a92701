import * as z from 'zod';
import type { JsonValue } from '../evidence.ts';
import type { CosignEvidence } from './open-evidence.ts';
import { orRejected, Rejection } from './rejection.ts';

const SIMPLE_SIGNING_TYPE = 'cosign container image signature';
const STATEMENT_TYPES = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1'];
/** Only this says "signed"; an attestation of anything else about an image is no signature of it. */
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

const simplePayload = z.object({
  critical: z.object({
    type: z.literal(SIMPLE_SIGNING_TYPE),
    image: z.object({ 'docker-manifest-digest': z.string() }),
  }),
});

const statement = z.object({
  _type: z.enum(STATEMENT_TYPES),
  predicateType: z.string().min(1).max(1024),
  predicate: z.unknown(),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(1000),
});

/** What a signed body says of an image. */
export interface SaidOfImage {
  /** The digest of the image that it names. */
  readonly subjectDigest: string;
  /** Null when it says no more than that the image is theirs. */
  readonly attestation: { readonly predicateType: string; readonly predicate: JsonValue } | null;
}

/**
 * Reads a body whose signature has been verified.
 * @param digests of the image, any of which it may name.
 * @throws Rejection `malformed`, `other-image`
 */
export function readStatement({ form, body }: CosignEvidence, digests: readonly string[]): SaidOfImage {
  return orRejected('malformed', 'what was signed cannot be read', () => {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (form === 'simple-signing') {
      const { critical } = simplePayload.parse(value);
      return { subjectDigest: named([critical.image['docker-manifest-digest']], digests), attestation: null };
    }
    const { predicateType, predicate, subject } = statement.parse(value);
    const subjectDigest = named(
      subject.map(({ digest }) => `sha256:${digest.sha256 ?? ''}`),
      digests,
    );
    const isSignature = predicateType === SIGNATURE_PREDICATE;
    return {
      subjectDigest,
      attestation: isSignature ? null : { predicateType, predicate: (predicate ?? null) as JsonValue },
    };
  });
}

/** @returns the digest that is both named and the image's. @throws Rejection `other-image` */
export function named(names: readonly string[], digests: readonly string[]): string {
  const found = digests.find((digest) => names.includes(digest));
  if (found !== undefined) return found;
  throw new Rejection('other-image', `it is of ${names[0] ?? 'no image'}, not of ${digests.join(' or ')}`);
}
