/** Closed: `material` may come back, with the commit it is in; `sub-path` needs a person. */
export type MaterialErrorCode = 'material' | 'sub-path';

/** Something a pod is made from cannot be had. Its message names objects and keys, and never a value. */
export class MaterialError extends Error {
  readonly code: MaterialErrorCode;

  constructor(code: MaterialErrorCode, message: string) {
    super(message);
    this.name = 'MaterialError';
    this.code = code;
  }
}
