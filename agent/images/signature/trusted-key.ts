import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A public key whose signatures count, under the name that policies know it by. */
export interface TrustedKey {
  readonly name: string;
  readonly key: KeyObject;
}

/** Digests cosign signs with, by curve; older releases used SHA-256 for all of them. */
const CURVE_DIGESTS: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
};

const SHORTEST_RSA_BITS = 2048;

/**
 * Reads a public key in PEM: ECDSA on a NIST curve, RSA of 2048 bits or more, or Ed25519.
 * @throws Error naming the key and its file, and what is wrong.
 */
export async function readTrustedKey(source: { readonly name: string; readonly keyFile: string }): Promise<TrustedKey> {
  const where = `trusted key "${source.name}" (${source.keyFile})`;
  const pem = await readFile(source.keyFile, 'utf8').catch((cause: Error) => {
    throw new Error(`${where} cannot be read: ${cause.message}`, { cause });
  });
  if (!pem.includes('BEGIN PUBLIC KEY')) throw new Error(`${where} is not a public key in PEM ("BEGIN PUBLIC KEY")`);
  const key = parsePublicKey(pem, where);
  if (!isStrong(key)) throw new Error(`${where} must be ECDSA P-256, P-384 or P-521, RSA of 2048 bits, or Ed25519`);
  return { name: source.name, key };
}

/** @returns whether a signature over exactly these bytes is the key's. */
export function isSignedBy(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return verify(null, bytes, key, signature);
    case 'rsa':
      return verify('sha256', bytes, key, signature);
    case 'ec':
      return curveDigests(key).some((digest) => verify(digest, bytes, { key, dsaEncoding: 'der' }, signature));
    default:
      return false;
  }
}

function parsePublicKey(pem: string, where: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new Error(`${where} is damaged`, { cause });
  }
}

function isStrong(key: KeyObject): boolean {
  const rsaBits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  return key.asymmetricKeyType === 'ed25519' || rsaBits >= SHORTEST_RSA_BITS || curveDigests(key).length > 0;
}

function curveDigests(key: KeyObject): readonly string[] {
  return CURVE_DIGESTS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? [];
}
