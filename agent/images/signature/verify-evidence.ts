import * as z from 'zod';
import { hexOf } from '../digest.ts';
import { isSignedBy, type TrustedKey } from './trusted-key.ts';

/** One signature as found in a registry: nothing about it is believed but what a trusted key signed. */
export interface Evidence {
  readonly scheme: 'simple-signing' | 'bundle';
  /** The signed bytes for simple signing, or the whole bundle. */
  readonly payload: Buffer;
  /** Base64, beside the payload in simple signing; empty for a bundle, which holds its own. */
  readonly signature: string;
}

const SIMPLE_SIGNING_TYPE = 'cosign container image signature';
const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';
const STATEMENT_TYPES = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1'];
/** Only this says "signed"; an attestation of anything else about an image is no signature of it. */
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';
const MAX_SIGNATURES = 64;

const simplePayload = z.object({
  critical: z.object({
    type: z.literal(SIMPLE_SIGNING_TYPE),
    image: z.object({ 'docker-manifest-digest': z.string() }),
  }),
});

const bundle = z.object({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d+)$/),
  dsseEnvelope: z.object({
    payload: z.base64(),
    payloadType: z.literal(STATEMENT_PAYLOAD),
    signatures: z.array(z.object({ sig: z.base64() })).max(MAX_SIGNATURES),
  }),
});

const statement = z.object({
  _type: z.enum(STATEMENT_TYPES),
  predicateType: z.literal(SIGNATURE_PREDICATE),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(1000),
});

/**
 * Verifies a signature: the raw bytes first, and only what verified is read.
 * @param digests the digests of the image, any of which the signature may be over.
 * @returns names of the trusted keys that signed one of them; empty for anything else, however broken.
 */
export function verifyEvidence(
  evidence: Evidence,
  keys: readonly TrustedKey[],
  digests: readonly string[],
): readonly string[] {
  try {
    return evidence.scheme === 'bundle' ? verifyBundle(evidence, keys, digests) : verifySimple(evidence, keys, digests);
  } catch {
    return [];
  }
}

/** cosign 2: the payload is signed as it is (cosign SIGNATURE_SPEC.md). */
function verifySimple(evidence: Evidence, keys: readonly TrustedKey[], digests: readonly string[]): readonly string[] {
  const signature = Buffer.from(evidence.signature, 'base64');
  const signers = namesOf(keys, evidence.payload, [signature]);
  if (signers.length === 0) return [];
  const { critical } = simplePayload.parse(JSON.parse(evidence.payload.toString('utf8')));
  return digests.includes(critical.image['docker-manifest-digest']) ? signers : [];
}

/** cosign 3: a DSSE envelope around an in-toto statement. The bundle's own hint at a key is not used. */
function verifyBundle(evidence: Evidence, keys: readonly TrustedKey[], digests: readonly string[]): readonly string[] {
  const { dsseEnvelope } = bundle.parse(JSON.parse(evidence.payload.toString('utf8')));
  const body = Buffer.from(dsseEnvelope.payload, 'base64');
  const signatures = dsseEnvelope.signatures.map(({ sig }) => Buffer.from(sig, 'base64'));
  const signers = namesOf(keys, preAuthentication(dsseEnvelope.payloadType, body), signatures);
  if (signers.length === 0) return [];
  const { subject } = statement.parse(JSON.parse(body.toString('utf8')));
  const hexes = digests.map(hexOf);
  return subject.some(({ digest }) => hexes.includes(digest.sha256 ?? '')) ? signers : [];
}

/** What DSSE signs instead of the bare body (DSSE protocol.md, PAE). */
function preAuthentication(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}

function namesOf(keys: readonly TrustedKey[], bytes: Buffer, signatures: readonly Buffer[]): readonly string[] {
  return keys
    .filter(({ key }) => signatures.some((signature) => isSignedBy(key, bytes, signature)))
    .map(({ name }) => name);
}
