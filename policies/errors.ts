/**
 * Why there is no policy engine; closed, so that callers decide by it.
 * `bundle-missing`: no bundle there. `bundle-invalid`: a file of it is not what a bundle has. `bundle-tampered`: a file
 * is unlisted, missing, or not the one its manifest names. `wasm-unusable`: the module cannot be loaded.
 * `compile-failed`: the Rego sources do not make a bundle. `engine-closed`: asked after `close`.
 */
export type PolicyErrorCode =
  | 'bundle-missing'
  | 'bundle-invalid'
  | 'bundle-tampered'
  | 'wasm-unusable'
  | 'compile-failed'
  | 'engine-closed';

/** Policies cannot be loaded or compiled. Never about a verdict: a failed evaluation is a deny. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'PolicyError';
    this.code = code;
  }
}
