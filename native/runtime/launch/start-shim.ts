import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { REPORT_BYTES } from '../../launch/report.ts';
import {
  buildPath,
  checkLayout,
  type NativeError,
  nativeErrorType,
  nativeLibrary,
  toBackendError,
} from '../../library.ts';

const [PROGRAM_FD, SPEC_MODE] = [5, 0o600];

export interface ShimStart {
  readonly spec: Buffer;
  /** Keeps the spec for as long as it takes to open it. */
  readonly scratchDir: string;
  /** `inherit` gives the shim this process's standard streams, `pipe` a standard input to write to. */
  readonly input: 'inherit' | 'pipe';
}

/**
 * Starts the shim as a child of this process, with its standard streams, the spec on 3 and a socket on 4. The program is
 * a sealed copy in memory: what a container makes of `/proc/<pid>/exe` cannot change it.
 * @throws BackendError `internal` when the shim is not built.
 */
export async function startShim({ spec, scratchDir, input }: ShimStart): Promise<ChildProcess> {
  const program = loadProgram();
  const specFd = openSpec(scratchDir, spec);
  try {
    const child = spawn(`/proc/self/fd/${PROGRAM_FD}`, [], {
      argv0: 'holdfast-shim',
      env: {},
      stdio: [input, 'inherit', 'inherit', specFd, 'pipe', program],
    });
    await once(child, 'spawn');
    return child;
  } finally {
    closeSync(specFd);
    closeSync(program);
  }
}

function loadProgram(): number {
  checkLayout('hf_report', REPORT_BYTES);
  const load = nativeLibrary().func('hf_shim_load', 'int32_t', ['str', koffi.out(koffi.pointer(nativeErrorType))]);
  const error = {} as NativeError;
  const fd: number = load(buildPath('holdfast-shim'), error);
  if (fd < 0) throw toBackendError(error, 'internal');
  return fd;
}

/** @returns an open file that has no name any more. */
function openSpec(directory: string, spec: Buffer): number {
  const path = join(directory, 'spec');
  writeFileSync(path, spec, { flag: 'wx', mode: SPEC_MODE });
  try {
    return openSync(path, 'r');
  } finally {
    rmSync(path);
  }
}
