import { type KeyObject, X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { orRejected, Rejection } from '../rejection.ts';

/** A Notary Project signature in a JWS envelope, taken apart; nothing of it is believed yet. */
export interface JwsEnvelope {
  readonly algorithm: JwsAlgorithm;
  /** The signer's first, up to its root. */
  readonly chain: readonly X509Certificate[];
  /** The bytes that the signature is over. */
  readonly signed: Buffer;
  readonly signature: Buffer;
  /** JSON. */
  readonly payload: Buffer;
  /** As the signer says, milliseconds since the epoch. */
  readonly signedAt: number;
  /** When it ends, as the signer says; null is never. */
  readonly expiry: number | null;
}

/** The algorithms of the signature specification; each goes with one kind and size of key. */
export const ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
export type JwsAlgorithm = (typeof ALGORITHMS)[number];

const SCHEME = 'io.cncf.notary.signingScheme';
const SIGNING_TIME = 'io.cncf.notary.signingTime';
const EXPIRY = 'io.cncf.notary.expiry';
const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json';
const MOST_CERTIFICATES = 8;

const envelope = z.strictObject({
  payload: z.base64url(),
  protected: z.base64url(),
  header: z.looseObject({ x5c: z.array(z.base64()).min(1).max(MOST_CERTIFICATES) }),
  signature: z.base64url(),
});

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const protectedHeader = z.looseObject({
  alg: z.enum(ALGORITHMS),
  cty: z.literal(PAYLOAD_TYPE),
  crit: z.array(z.string()).min(1).max(16),
  [SCHEME]: z.string(),
  [SIGNING_TIME]: instant.optional(),
  [EXPIRY]: instant.optional(),
});

/** Takes a JWS envelope apart (Notary Project, signature-envelope-jws.md). @throws Rejection `malformed`, `unsupported` */
export function readEnvelope(bytes: Buffer): JwsEnvelope {
  return orRejected('malformed', 'a notation signature cannot be read', () => {
    const { payload, protected: header, header: unsigned, signature } = envelope.parse(parseJson(bytes));
    const said = protectedHeader.parse(parseJson(Buffer.from(header, 'base64url')));
    requireKnown(said.crit, said[SCHEME]);
    const signedAt = said[SIGNING_TIME];
    if (signedAt === undefined) throw new Rejection('malformed', 'a notation signature does not say when it was made');
    return {
      algorithm: said.alg,
      chain: unsigned.x5c.map((certificate) => new X509Certificate(Buffer.from(certificate, 'base64'))),
      signed: Buffer.from(`${header}.${payload}`),
      signature: Buffer.from(signature, 'base64url'),
      payload: Buffer.from(payload, 'base64url'),
      signedAt,
      expiry: said[EXPIRY] ?? null,
    };
  });
}

/** What the signer marks as critical must be understood, or the signature says more than is checked. */
function requireKnown(critical: readonly string[], scheme: string): void {
  const unknown = critical.find((name) => name !== SCHEME && name !== EXPIRY);
  if (unknown !== undefined) throw new Rejection('unsupported', `a notation signature asks for \`${unknown}\``);
  if (!critical.includes(SCHEME)) throw new Rejection('malformed', `a notation signature must mark \`${SCHEME}\``);
  if (scheme !== 'notary.x509') throw new Rejection('unsupported', `notation's signing scheme \`${scheme}\``);
}

/** @returns whether an algorithm is the one that the specification has for a key. */
export function isAlgorithmOf(algorithm: JwsAlgorithm, key: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const name = key.asymmetricKeyType === 'ec' ? namedCurve : `${key.asymmetricKeyType} ${modulusLength}`;
  return KEYS[algorithm] === name;
}

const KEYS: Readonly<Record<JwsAlgorithm, string>> = {
  PS256: 'rsa 2048',
  PS384: 'rsa 3072',
  PS512: 'rsa 4096',
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

function parseJson(bytes: Buffer): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}
