import { errnoOf } from './cgroup/files.ts';
import { BackendError, type BackendErrorCode } from './errors.ts';

/**
 * Makes every failure of some operations a `BackendError`: the file system's errors, a full disk among them, get the
 * call that failed as their stage and keep their errno.
 */
export function withCodedErrors<T extends object>(operations: T): T {
  const coded = Object.entries(operations).map(([name, operation]: [string, Operation]) => [
    name,
    (...args: readonly unknown[]) => {
      const result = operation(...args);
      return result instanceof Promise ? result.catch((error) => throwCoded(error, name)) : result;
    },
  ]);
  return Object.fromEntries(coded);
}

type Operation = (...args: readonly unknown[]) => unknown;

function throwCoded(error: unknown, operation: string): never {
  if (error instanceof BackendError) throw error;
  const { syscall, path, message } = error as NodeJS.ErrnoException;
  const errno = errnoOf(error);
  if (errno === null) throw new BackendError('internal', operation, `${operation}: ${message}`, { cause: error });
  const stage = syscall ?? operation;
  const about = path === undefined ? '' : ` (${path})`;
  throw new BackendError(codeOf(errno), stage, `${operation}: ${stage} failed with ${errno}${about}`, {
    errno,
    cause: error,
  });
}

function codeOf(errno: string): BackendErrorCode {
  return ['ENOSPC', 'EDQUOT', 'ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE'].includes(errno) ? 'no-resources' : 'kernel';
}
