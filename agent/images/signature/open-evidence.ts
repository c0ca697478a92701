import { createHash } from 'node:crypto';
import * as z from 'zod';
import { dsseEnvelope, preAuthentication } from './dsse.ts';
import type { Evidence } from './found-evidence.ts';
import { orRejected, Rejection } from './rejection.ts';

/** What cosign made, taken apart. Nothing of it is believed yet. */
export interface CosignEvidence {
  readonly maker: 'cosign';
  readonly form: 'simple-signing' | 'statement';
  /** What was said. */
  readonly body: Buffer;
  /** The bytes that the signatures are over. */
  readonly signed: Buffer;
  readonly signatures: readonly Buffer[];
  /** Base64 of the key's SHA-256, as whoever made it says; null when nothing is said. */
  readonly keyHint: string | null;
  /** As a sigstore bundle in JSON, when a certificate says who signed; null when a key did. */
  readonly bundle: Readonly<Record<string, unknown>> | null;
}

/** What notation made. */
export interface NotationEvidence {
  readonly maker: 'notation';
  readonly envelope: Buffer;
}

/** Takes evidence apart. @throws Rejection `malformed`, `unsupported` */
export function openEvidence(evidence: Evidence): CosignEvidence | NotationEvidence {
  return orRejected('malformed', `a signature of the form ${evidence.scheme} cannot be read`, () => {
    switch (evidence.scheme) {
      case 'simple-signing':
        return openSimpleSigning(evidence);
      case 'dsse':
        return openEnvelope(evidence);
      case 'bundle':
        return openBundle(evidence);
      case 'notation-jws':
        return { maker: 'notation', envelope: evidence.payload };
      case 'notation-cose':
        throw new Rejection('unsupported', 'a notation signature in a COSE envelope is not supported; sign with JWS');
      default:
        return evidence.scheme satisfies never;
    }
  });
}

const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.\d+\+json|\+json;version=0\.\d+)$/;

const bundle = z.looseObject({
  mediaType: z.string().regex(BUNDLE_TYPE),
  dsseEnvelope: dsseEnvelope.optional(),
  verificationMaterial: z.looseObject({
    publicKey: z.looseObject({ hint: z.string().optional() }).optional(),
    certificate: z.unknown().optional(),
    x509CertificateChain: z.unknown().optional(),
  }),
});

function openBundle({ payload }: Evidence): CosignEvidence {
  const raw = parseJson(payload);
  const { dsseEnvelope: envelope, verificationMaterial } = bundle.parse(raw);
  if (!envelope) throw new Rejection('unsupported', 'a bundle signs bare bytes, not a statement about an image');
  const { publicKey, certificate, x509CertificateChain } = verificationMaterial;
  const hasCertificate = certificate !== undefined || x509CertificateChain !== undefined;
  return {
    ...openedStatement(envelope),
    keyHint: publicKey?.hint ?? null,
    bundle: hasCertificate ? (raw as Record<string, unknown>) : null,
  };
}

/** Beside a signature of cosign 2, in the annotations of its layer. */
export const BESIDE = {
  certificate: 'dev.sigstore.cosign/certificate',
  log: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

const BUNDLE_V01 = 'application/vnd.dev.sigstore.bundle+json;version=0.1';

function openSimpleSigning(evidence: Evidence): CosignEvidence {
  const { payload, signature } = evidence;
  const bytes = Buffer.from(z.base64().parse(signature), 'base64');
  const digest = { algorithm: 'SHA2_256', digest: createHash('sha256').update(payload).digest('base64') };
  return {
    ...{ maker: 'cosign', form: 'simple-signing', body: payload, signed: payload, signatures: [bytes], keyHint: null },
    bundle: bundleOfAnnotations(evidence, { messageSignature: { messageDigest: digest, signature } }),
  };
}

function openEnvelope(evidence: Evidence): CosignEvidence {
  const raw = parseJson(evidence.payload);
  const opened = openedStatement(dsseEnvelope.parse(raw));
  return { ...opened, keyHint: null, bundle: bundleOfAnnotations(evidence, { dsseEnvelope: raw }) };
}

function openedStatement({
  payload,
  payloadType,
  signatures,
}: z.output<typeof dsseEnvelope>): Omit<CosignEvidence, 'keyHint' | 'bundle'> {
  const body = Buffer.from(payload, 'base64');
  return {
    maker: 'cosign',
    form: 'statement',
    body,
    signed: preAuthentication(payloadType, body),
    signatures: signatures.map(({ sig }) => Buffer.from(sig, 'base64')),
  };
}

const logBundle = z.object({
  SignedEntryTimestamp: z.base64(),
  Payload: z.object({
    body: z.base64(),
    integratedTime: z.number(),
    logIndex: z.number(),
    logID: z.string().regex(/^[0-9a-f]+$/i),
  }),
});
const logBody = z.object({ kind: z.string(), apiVersion: z.string() });
const timestampBundle = z.object({ SignedRFC3161Timestamp: z.base64() });

/** cosign 2 keeps in annotations what a bundle holds; null when there is no certificate, so that a key signed. */
function bundleOfAnnotations({ beside }: Evidence, content: object): Readonly<Record<string, unknown>> | null {
  const certificate = beside[BESIDE.certificate];
  if (!certificate) return null;
  const [leaf] = certificate.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/) ?? [];
  if (!leaf) throw new Rejection('malformed', 'the certificate beside a signature is not in PEM');
  const { [BESIDE.log]: log, [BESIDE.timestamp]: timestamp } = beside;
  return {
    mediaType: BUNDLE_V01,
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: leaf.replace(/-----[A-Z ]+-----|\s/g, '') }] },
      tlogEntries: log ? [logEntry(log)] : [],
      timestampVerificationData: { rfc3161Timestamps: timestamp ? [timestampOf(timestamp)] : [] },
    },
    ...content,
  };
}

function logEntry(text: string): object {
  const { Payload, SignedEntryTimestamp } = logBundle.parse(JSON.parse(text));
  const { kind, apiVersion } = logBody.parse(parseJson(Buffer.from(Payload.body, 'base64')));
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}

function timestampOf(text: string): object {
  return { signedTimestamp: timestampBundle.parse(JSON.parse(text)).SignedRFC3161Timestamp };
}

function parseJson(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}
