import { type KeyObject, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parsePublicKey } from '../../../manifests/index.ts';

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

/**
 * Reads a public key in PEM: ECDSA on a NIST curve, RSA of 2048 bits or more, or Ed25519.
 * @throws Error naming the key and its file, and what is wrong.
 */
export async function readTrustedKey(source: { readonly name: string; readonly keyFile: string }): Promise<TrustedKey> {
  const where = `trusted key "${source.name}" (${source.keyFile})`;
  const pem = await readFile(source.keyFile, 'utf8').catch((cause: Error) => {
    throw new Error(`${where} cannot be read: ${cause.message}`, { cause });
  });
  const key = parsePublicKey(pem);
  if (typeof key === 'string') throw new Error(`${where} ${key}`);
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

function curveDigests(key: KeyObject): readonly string[] {
  return CURVE_DIGESTS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? [];
}
