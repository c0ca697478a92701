import { PolicyError, VerificationError } from '@sigstore/verify';
import type { RejectionCode } from '../../evidence.ts';
import { Rejection } from '../rejection.ts';

/** @returns what an error of sigstore's library says of a signature; whatever it did not expect is malformed input. */
export function rejectionOf(error: unknown): Rejection {
  if (error instanceof Rejection) return error;
  if (error instanceof VerificationError) return new Rejection(codeOf(error), messageOf(error), { cause: error });
  if (error instanceof PolicyError) return new Rejection('other-identity', error.message, { cause: error });
  return new Rejection('malformed', `it cannot be verified: ${messageOf(error)}`, { cause: error });
}

function codeOf(error: VerificationError): RejectionCode {
  switch (error.code) {
    case 'TLOG_ERROR':
    case 'TLOG_INCLUSION_PROOF_ERROR':
    case 'TLOG_INCLUSION_PROMISE_ERROR':
    case 'TLOG_MISSING_INCLUSION_ERROR':
    case 'TLOG_BODY_ERROR':
      return 'no-log-entry';
    case 'TIMESTAMP_ERROR':
      return 'no-timestamp';
    case 'SIGNATURE_ERROR':
      return 'bad-signature';
    case 'CERTIFICATE_ERROR':
      return certificateCode(error);
    case 'PUBLIC_KEY_ERROR':
    case 'NOT_IMPLEMENTED_ERROR':
      return 'unsupported';
    default:
      return error.code satisfies never;
  }
}

/** The library has one code for all that may be wrong with a certificate, and says the rest in words. */
function certificateCode(error: VerificationError): RejectionCode {
  const words = `${error.message} ${messageOf(error.cause)}`;
  if (/\bSCTs?\b/.test(words)) return 'no-certificate-log';
  return /expired/.test(words) ? 'expired-certificate' : 'untrusted-certificate';
}

function messageOf(error: unknown): string {
  const { message, cause } = Object(error) as Partial<Error>;
  const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return `${message ?? String(error)}${reason}`;
}
