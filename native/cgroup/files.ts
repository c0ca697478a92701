import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { BackendError, type BackendErrorCode } from '../errors.ts';

/**
 * Reads a control file, without the trailing newline. Null when the file or its group is gone, or never was.
 * The kernel answers from memory: a trip through the thread pool would take ten times as long as the read.
 */
export async function readControl(path: string): Promise<string | null> {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch (error) {
    if (isGone(error)) return null;
    throw cgroupError(`read ${basename(path)}`, path, error);
  }
}

const TO_WRITE = constants.O_WRONLY | constants.O_TRUNC;

/** Writes a control file in one write(2). @throws BackendError naming the file; `not-found` when the group is gone. */
export async function writeControl(path: string, value: string): Promise<void> {
  try {
    const file = openSync(path, TO_WRITE);
    try {
      writeSync(file, value);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw writeError(path, value, error);
  }
}

/** The same on the thread pool, for what the kernel may take long over: reclaiming memory, moving a process. */
export async function writeSlowControl(path: string, value: string): Promise<void> {
  try {
    await writeFile(path, value, { flag: TO_WRITE });
  } catch (error) {
    throw writeError(path, value, error);
  }
}

function writeError(path: string, value: string, error: unknown): BackendError {
  return cgroupError(`write ${basename(path)}`, path, error, `"${value}"`);
}

/** Writes a control file if the kernel has it. @returns whether it was there. */
export async function writeControlIfPresent(path: string, value: string): Promise<boolean> {
  try {
    await writeControl(path, value);
    return true;
  } catch (error) {
    if (error instanceof BackendError && error.code === 'not-found') return false;
    throw error;
  }
}

/** True for the errors a control file gives once its group was removed (ENODEV through an open file, ENOENT by name). */
export function isGone(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENODEV';
}

/** Turns a file system error into a coded one that says which step failed on which path. */
export function cgroupError(stage: string, path: string, cause: unknown, detail = ''): BackendError {
  const errno = errnoOf(cause);
  const message = [`cgroup: ${stage}`, detail, `failed on ${path}:`, errno ?? String(cause)].filter(Boolean).join(' ');
  return new BackendError(codeOf(errno), stage, message, { cause, ...(errno === null ? {} : { errno }) });
}

/** The symbolic errno of a thrown value (`EBUSY`), or null when it carries none. */
export function errnoOf(error: unknown): string | null {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}

function codeOf(errno: string | null): BackendErrorCode {
  switch (errno) {
    case 'ENOENT':
    case 'ENODEV':
      return 'not-found';
    case 'ENOSPC':
    case 'ENOMEM':
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
      return 'no-resources';
    case null:
      return 'internal';
    default:
      return 'kernel';
  }
}
