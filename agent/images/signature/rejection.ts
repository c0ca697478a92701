import type { RejectionCode } from '../evidence.ts';

/** A signature or attestation does not count, and why. Caught where evidence is judged, never further up. */
export class Rejection extends Error {
  readonly code: RejectionCode;

  constructor(code: RejectionCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'Rejection';
    this.code = code;
  }
}

/** The more is known of what is wrong, the later; what several authorities say of one signature is told by the last. */
const BY_KNOWLEDGE: readonly RejectionCode[] = [
  'unknown-signer',
  'unsupported',
  'missing',
  'digest-mismatch',
  'too-large',
  'malformed',
  'other-subject',
  'unusable-authority',
  'bad-signature',
  'untrusted-certificate',
  'expired-certificate',
  'no-certificate-log',
  'no-timestamp',
  'no-log-entry',
  'other-identity',
  'expired-signature',
  'key-not-valid',
  'revoked',
  'other-image',
];

/** @returns of several reasons the one that says most; null when there is none. */
export function tellingRejection(rejections: readonly Rejection[]): Rejection | null {
  const rank = ({ code }: Rejection): number => BY_KNOWLEDGE.indexOf(code);
  return rejections.reduce<Rejection | null>(
    (best, rejection) => (best === null || rank(rejection) > rank(best) ? rejection : best),
    null,
  );
}

/** Runs what reads untrusted input: whatever it throws is a rejection. */
export function orRejected<T>(code: RejectionCode, what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof Rejection) throw cause;
    throw new Rejection(code, `${what}: ${(cause as Error).message}`, { cause });
  }
}
