/** Closed: what a step itself (not the backend, not the images) can find wrong. */
export type StepErrorCode =
  | 'claim'
  | 'host-path'
  | 'image-user'
  | 'no-command'
  | 'nul-character'
  | 'seccomp-profile'
  | 'unknown-version';

/** A step that cannot be done until a person changes the manifest, the image or the node. */
export class StepError extends Error {
  readonly code: StepErrorCode;

  constructor(code: StepErrorCode, message: string) {
    super(message);
    this.name = 'StepError';
    this.code = code;
  }
}
