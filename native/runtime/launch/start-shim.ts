import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { BackendError } from '../../errors.ts';
import { REPORT_BYTES } from '../../launch/report.ts';
import { checkLayout, type NativeError, nativeErrorType, nativeLibrary, toBackendError } from '../../library.ts';

const [PROGRAM_FD, FIRST_PRESERVED_FD, SPEC_MODE] = [5, 3, 0o600];

export interface ShimStart {
  /** The program, `holdfast-shim` as built unless a test has another. */
  readonly shimPath: string;
  readonly spec: Buffer;
  /** Keeps the spec for as long as it takes to open it. */
  readonly scratchDir: string;
  /** `inherit` gives the shim this process's standard streams, `pipe` a standard input to write to. */
  readonly input: 'inherit' | 'pipe';
  /** So many of this process's descriptors from 3 on are passed on, from 6 on. */
  readonly preservedCount: number;
}

/**
 * Starts the shim as a child of this process, with its standard streams, the spec on 3 and a socket on 4. The program is
 * a sealed copy in memory: what a container makes of `/proc/<pid>/exe` cannot change it.
 * @throws BackendError `internal` when the shim is not built.
 */
export async function startShim({
  shimPath,
  spec,
  scratchDir,
  input,
  preservedCount,
}: ShimStart): Promise<ChildProcess> {
  const preserved = Array.from({ length: preservedCount }, (_, index) => FIRST_PRESERVED_FD + index);
  for (const fd of preserved) checkPreserved(fd);
  const program = loadProgram(shimPath);
  const specFd = openSpec(scratchDir, spec);
  try {
    const child = spawn(`/proc/self/fd/${PROGRAM_FD}`, [], {
      argv0: 'holdfast-shim',
      env: {},
      stdio: [input, 'inherit', 'inherit', specFd, 'pipe', program, ...preserved],
    });
    await once(child, 'spawn');
    return child;
  } finally {
    closeSync(specFd);
    closeSync(program);
  }
}

function loadProgram(shimPath: string): number {
  checkLayout('hf_report', REPORT_BYTES);
  const load = nativeLibrary().func('hf_shim_load', 'int32_t', ['str', koffi.out(koffi.pointer(nativeErrorType))]);
  const error = {} as NativeError;
  const fd: number = load(shimPath, error);
  if (fd < 0) throw toBackendError(error, 'internal');
  return fd;
}

/** This process's own descriptors follow on those it was given; the first of them is always one of the kernel's inner files. */
function checkPreserved(fd: number): void {
  if (isOpen(fd)) return;
  const message = `--preserve-fds: descriptor ${fd} was not passed to the runtime`;
  throw new BackendError('invalid-spec', 'preserve descriptors', message);
}

function isOpen(fd: number): boolean {
  try {
    return !readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:');
  } catch {
    return false;
  }
}

/** @returns an open file that has no name any more. */
function openSpec(directory: string, spec: Buffer): number {
  // Of a name that nothing has, not even what an earlier call could not remove.
  const path = join(directory, `spec-${randomBytes(6).toString('hex')}`);
  writeFileSync(path, spec, { flag: 'wx', mode: SPEC_MODE });
  try {
    return openSync(path, 'r');
  } finally {
    rmSync(path);
  }
}
