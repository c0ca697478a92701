/** Why the backend refused or failed; closed, so that callers decide by it. */
export type BackendErrorCode =
  | 'not-found'
  | 'invalid-spec'
  | 'in-use'
  | 'unsupported'
  | 'paused'
  | 'no-resources'
  | 'exec-failed'
  | 'hook-failed'
  | 'kernel'
  | 'internal';

/** A failed backend operation. `stage` names the step that failed (`mount /proc`, `execve`), `errno` the kernel's word. */
export class BackendError extends Error {
  readonly code: BackendErrorCode;
  readonly stage: string;
  readonly errno: string | null;

  constructor(
    code: BackendErrorCode,
    stage: string,
    message: string,
    options: { errno?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'BackendError';
    this.code = code;
    this.stage = stage;
    this.errno = options.errno ?? null;
  }
}
