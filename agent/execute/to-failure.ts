import type { BackendErrorCode } from '../../native/index.ts';
import type { ImageErrorCode } from '../images/image-source.ts';
import type { MaterialErrorCode } from '../material/errors.ts';
import type { Failure } from '../reconcile/failure.ts';
import type { StepErrorCode } from './step-error.ts';

/** Which coded errors may pass by themselves, and which need a person. A code that is missing here does not compile. */
const KINDS: Readonly<Record<BackendErrorCode | ImageErrorCode | MaterialErrorCode | StepErrorCode, Failure['kind']>> =
  {
    'bad-layer': 'stalled',
    'bad-manifest': 'stalled',
    'bad-reference': 'stalled',
    claim: 'transient',
    'digest-mismatch': 'stalled',
    'exec-failed': 'stalled',
    'hook-failed': 'transient',
    'host-path': 'stalled',
    'image-user': 'stalled',
    'in-use': 'transient',
    'invalid-spec': 'stalled',
    material: 'transient',
    'no-command': 'stalled',
    'no-platform': 'stalled',
    'no-resources': 'transient',
    'no-space': 'transient',
    'outside-window': 'waiting',
    'nul-character': 'stalled',
    'not-found': 'transient',
    'not-present': 'transient',
    // A person mends the file without a commit, so it is tried again.
    'seccomp-profile': 'transient',
    'size-mismatch': 'stalled',
    'sub-path': 'stalled',
    'too-large': 'stalled',
    'unknown-version': 'waiting',
    internal: 'transient',
    interrupted: 'transient',
    paused: 'transient',
    kernel: 'transient',
    store: 'transient',
    unauthorized: 'stalled',
    unreachable: 'transient',
    unsupported: 'stalled',
  };

/** @returns the failure an adapter's error stands for. An error without a known code is a defect: transient, code `internal`. */
export function toFailure(error: unknown): Failure {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const reason = typeof message === 'string' && message !== '' ? message : String(error);
  if (typeof code === 'string' && Object.hasOwn(KINDS, code))
    return { kind: KINDS[code as keyof typeof KINDS], code, reason };
  return { kind: 'transient', code: 'internal', reason };
}
