import { createHash } from 'node:crypto';

/** The only algorithm Holdfast accepts: `sha256:` and 64 lower-case hex digits. */
export const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;

/** @returns the digest of some bytes, `sha256:…`. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** @returns the hex part of a digest, which is a safe file name. */
export function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
