import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Builtin, type Builtins, ofTexts } from './builtin.ts';

/** Digests, in lower-case hexadecimal (OPA, "Policy Reference", Crypto). */
export const CRYPTO: Builtins = {
  'crypto.md5': digest('md5'),
  'crypto.sha1': digest('sha1'),
  'crypto.sha256': digest('sha256'),
  'crypto.hmac.md5': keyedDigest('md5'),
  'crypto.hmac.sha1': keyedDigest('sha1'),
  'crypto.hmac.sha256': keyedDigest('sha256'),
  'crypto.hmac.sha512': keyedDigest('sha512'),
  'crypto.hmac.equal': ofTexts((a = '', b = '') => {
    const [left, right] = [Buffer.from(a), Buffer.from(b)];
    return left.length === right.length && timingSafeEqual(left, right);
  }),
};

function digest(algorithm: string): Builtin {
  return ofTexts((text = '') => createHash(algorithm).update(text).digest('hex'));
}

function keyedDigest(algorithm: string): Builtin {
  return ofTexts((text = '', key = '') => createHmac(algorithm, key).update(text).digest('hex'));
}
