import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  verify,
  X509Certificate,
} from 'node:crypto';
import { fromJson, toJson } from '../terms/json.ts';
import { fieldOf, isObjectTerm, itemsOf, type Term, type TermObject } from '../terms/term.ts';
import { type Builtin, type Builtins, ofTexts } from './builtin.ts';

const ALGORITHMS = ['RS', 'PS', 'ES', 'HS'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits));

/**
 * JSON Web Tokens (RFC 7519): decoding them, and verifying signatures with keys that the policy has. The algorithm is
 * the one the policy names, whatever the token says.
 */
export const JWT: Builtins = {
  'io.jwt.decode': ofTexts((token = '') => decode(token)),
  ...Object.fromEntries(ALGORITHMS.map((name) => [`io.jwt.verify_${name.toLowerCase()}`, verifyAs(name)])),
};

interface Token {
  readonly header: TermObject;
  readonly payload: TermObject;
  /** What is signed. */
  readonly signed: string;
  readonly signature: Buffer;
}

function parse(token: string): Token | undefined {
  const [head = '', body = '', signature = '', ...rest] = token.split('.');
  const [header, payload] = [head, body].map((part) => fromJson(Buffer.from(part, 'base64url').toString()));
  const isEncoded = [head, body, signature].every((part) => /^[A-Za-z0-9_-]*$/.test(part));
  if (rest.length > 0 || !isEncoded || !isObjectTerm(header) || !isObjectTerm(payload)) return undefined;
  return { header, payload, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') };
}

function decode(text: string): Term | undefined {
  const token = parse(text);
  // An encrypted token has no payload to show.
  if (!token || fieldOf(token.header, 'enc') !== undefined) return undefined;
  return [token.header, token.payload, token.signature.toString('hex')];
}

function verifyAs(algorithm: string): Builtin {
  return ofTexts((text = '', key = '') => {
    const token = parse(text);
    if (!token) return undefined;
    const keys = algorithm.startsWith('HS') ? [createSecretKey(Buffer.from(key))] : publicKeys(key);
    return keys?.some((one) => isSignedWith(token, algorithm, one));
  });
}

/** A certificate, a public key, or a set of keys (RFC 7517). */
function publicKeys(text: string): readonly KeyObject[] | undefined {
  try {
    if (text.includes('BEGIN CERTIFICATE')) return [new X509Certificate(text).publicKey];
    if (text.includes('-----BEGIN')) return [createPublicKey(text)];
    const set = fromJson(text);
    const keys = isObjectTerm(set) ? (itemsOf(fieldOf(set, 'keys')) ?? [set]) : undefined;
    return keys?.map((key) => createPublicKey({ key: JSON.parse(toJson(key)), format: 'jwk' }));
  } catch {
    return undefined;
  }
}

const CURVES: Readonly<Record<string, string>> = { '256': 'prime256v1', '384': 'secp384r1', '512': 'secp521r1' };

function isSignedWith({ signed, signature }: Token, algorithm: string, key: KeyObject): boolean {
  const [family, bits] = [algorithm.slice(0, 2), algorithm.slice(2)];
  const hash = `sha${bits}`;
  const data = Buffer.from(signed);
  if (family === 'HS') {
    const expected = createHmac(hash, key).update(data).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  const isElliptic = key.asymmetricKeyType === 'ec';
  if (isElliptic !== (family === 'ES')) return false;
  if (isElliptic) {
    if (key.asymmetricKeyDetails?.namedCurve !== CURVES[bits]) return false;
    return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  }
  if (key.asymmetricKeyType !== 'rsa') return false;
  if (family === 'RS') return verify(hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  return verify(
    hash,
    data,
    { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
    signature,
  );
}
