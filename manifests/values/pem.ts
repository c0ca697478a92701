import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

const SHORTEST_RSA_BITS = 2048;
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** @returns the one public key of a PEM text, or a sentence on what is wrong with it. */
export function parsePublicKey(pem: string): KeyObject | string {
  if (!/^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/.test(pem)) {
    return 'must be one public key in PEM, from `-----BEGIN PUBLIC KEY-----` to `-----END PUBLIC KEY-----`';
  }
  const key = readKey(pem);
  if (key === null) return 'is a damaged public key; copy it again';
  return isStrongKey(key) ? key : 'must be ECDSA P-256, P-384 or P-521, RSA of 2048 bits or more, or Ed25519';
}

/** @returns the certificates of a PEM text, or a sentence on what is wrong with it. */
export function parseCertificates(pem: string): readonly X509Certificate[] | string {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0 || pem.replace(CERTIFICATE, '').trim() !== '') {
    return 'must be certificates in PEM and nothing else, each from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`';
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return 'has a damaged certificate; copy it again';
  }
}

/** @returns whether a key is of a kind and size that signatures are taken from. */
export function isStrongKey(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength >= SHORTEST_RSA_BITS;
  return key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'ec' && CURVES.includes(namedCurve));
}

function readKey(pem: string): KeyObject | null {
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}
