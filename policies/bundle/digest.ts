import { createHash } from 'node:crypto';

/** @returns `sha256:` and the digest of the content in hex. */
export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
