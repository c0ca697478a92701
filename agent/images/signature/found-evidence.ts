import type { StringMap } from '../../../manifests/index.ts';
import type { RejectedEvidence } from '../evidence.ts';

/** The forms that signatures and attestations have in a registry. */
export const SCHEMES = ['simple-signing', 'dsse', 'bundle', 'notation-jws', 'notation-cose'] as const;

/** One signature or attestation as found: nothing about it is believed but what somebody who counts has signed. */
export interface Evidence {
  /** Beside its image under a tag, signed bytes or an envelope (cosign 2); a sigstore bundle; a notation envelope. */
  readonly scheme: (typeof SCHEMES)[number];
  readonly payload: Buffer;
  /** Base64, of simple signing; empty where the payload holds its own. */
  readonly signature: string;
  /** The annotations beside it that say who signed and when, as cosign 2 has it. */
  readonly beside: StringMap;
}

/** What looking for evidence brought: a piece of it, or something that was in its place. */
export type Found =
  | { readonly evidence: Evidence; readonly rejected?: never }
  | { readonly rejected: RejectedEvidence; readonly evidence?: never };
