import type { ClampedSetting } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { type NativeError, toBackendError } from '../library.ts';
import type { ProcessId } from '../process/process-id.ts';

/** Bytes of `struct hf_report` (native/include/holdfast.h). */
export const REPORT_BYTES = 368;

const MAGIC = 0x31524648;
const AT = {
  magic: 0,
  pid: 4,
  startTime: 8,
  shimPid: 16,
  clamped: 20,
  shimStartTime: 24,
  startedAt: 32,
  error: 40,
} as const;
const ERROR_AT = { errnum: 0, stage: 4, path: 68, end: 324 } as const;
const CLAMPED: Readonly<Record<ShimClamped, number>> = { rlimits: 1, oomScoreAdj: 2 };

type ShimClamped = Extract<ClampedSetting, 'rlimits' | 'oomScoreAdj'>;

/** What a shim started: the process (a pod's holder or a container's init) and itself. */
export interface ShimReport {
  readonly process: ProcessId;
  readonly shim: ProcessId;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Settings the kernel refused in full on this node and that were applied as far as it allows. */
  readonly clamped: readonly ClampedSetting[];
}

/** Decodes a shim's report. @throws BackendError when the report tells of a failure. */
export function decodeReport(report: Buffer): ShimReport {
  if (report.length !== REPORT_BYTES || report.readUInt32LE(AT.magic) !== MAGIC) {
    const message = 'the shim is of another version: build it again with "npm run build"';
    throw new BackendError('internal', 'read shim report', message);
  }
  const pid = report.readInt32LE(AT.pid);
  if (pid === 0) throw startFailure(decodeError(report.subarray(AT.error)));
  const clamped = report.readUInt32LE(AT.clamped);
  return {
    process: { pid, startTime: Number(report.readBigUInt64LE(AT.startTime)) },
    shim: { pid: report.readInt32LE(AT.shimPid), startTime: Number(report.readBigUInt64LE(AT.shimStartTime)) },
    startedAt: Number(report.readBigUInt64LE(AT.startedAt)),
    clamped: (Object.keys(CLAMPED) as ShimClamped[]).filter((name) => (clamped & CLAMPED[name]) !== 0),
  };
}

/** Bytes of `struct hf_error`, which comes alone from a container that could not be started. */
export const FAILURE_BYTES = ERROR_AT.end;

/** @returns the failure that a `struct hf_error` tells of. */
export function decodeFailure(bytes: Buffer): BackendError {
  return startFailure(decodeError(bytes));
}

function decodeError(bytes: Buffer): NativeError {
  return {
    errnum: bytes.readInt32LE(ERROR_AT.errnum),
    stage: textAt(bytes.subarray(ERROR_AT.stage, ERROR_AT.path)),
    path: textAt(bytes.subarray(ERROR_AT.path, ERROR_AT.end)),
  };
}

function textAt(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function startFailure(error: NativeError): BackendError {
  if (error.stage === 'execve' || error.stage === 'find program') return toBackendError(error, 'exec-failed');
  const failure = toBackendError(error);
  if (error.stage === 'set sysctl') return sysctlFailure(error, failure);
  if (error.stage !== 'idmap mount' || failure.errno !== 'EINVAL') return failure;
  const message = `the file system of ${error.path} takes no id-mapped mounts on this kernel: move it to another, or run the pod with hostUsers: true`;
  return new BackendError('unsupported', error.stage, message, { errno: failure.errno });
}

/** What the kernel has no room for may pass; a parameter it has not, or a value it does not take, does not. */
function sysctlFailure(error: NativeError, failure: BackendError): BackendError {
  const code = SYSCTL_CODES[failure.errno ?? ''];
  return code === undefined ? failure : toBackendError(error, code);
}

const SYSCTL_CODES: Readonly<Record<string, 'invalid-spec' | 'unsupported'>> = {
  EINVAL: 'invalid-spec',
  ERANGE: 'invalid-spec',
  ENOENT: 'unsupported',
  EACCES: 'unsupported',
  EPERM: 'unsupported',
};
