/** A container to attach to a running pod, to look into it. */
export interface DebugRequest {
  /** Workload (`name` or `namespace/name`), then its first pod that runs; or the id of a pod. */
  readonly target: string;
  readonly image: string;
  /** Empty runs what the image says. */
  readonly command: readonly string[];
  /** A container of the pod whose processes it sees; null for only its own, or those the pod shares. */
  readonly processesOf: string | null;
  readonly user: { readonly uid: number; readonly gid: number | null } | null;
  /** As in a manifest. */
  readonly capabilities: readonly string[];
}

/** Where it runs. */
export interface Debugging {
  readonly pod: string;
  readonly container: string;
}

/** Why a container was not attached. */
export type DebugErrorCode = 'invalid-request' | 'no-such-pod' | 'denied';

export class DebugError extends Error {
  readonly code: DebugErrorCode;

  constructor(code: DebugErrorCode, message: string) {
    super(message);
    this.name = 'DebugError';
    this.code = code;
  }
}
