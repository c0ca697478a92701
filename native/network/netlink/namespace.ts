import { closeSync, openSync } from 'node:fs';
import { BackendError } from '../../errors.ts';
import { isAlive, type ProcessId } from '../../process/process-id.ts';

/** A network namespace: a descriptor of it, or -1 for the one this process is in. */
export interface NetworkNamespace {
  readonly fd: number;
}

/** Opens a namespace file for the time of a task; null is this process's own. @throws the file system's error. */
export async function withNamespace<T>(
  path: string | null,
  task: (namespace: NetworkNamespace) => Promise<T>,
): Promise<T> {
  if (path === null) return task({ fd: -1 });
  const fd = openSync(path, 'r');
  try {
    return await task({ fd });
  } finally {
    closeSync(fd);
  }
}

/** Opens the namespace of exactly this process for the time of a task. @throws BackendError `not-found` when it is gone. */
export async function withNamespaceOf<T>(
  process: ProcessId,
  task: (namespace: NetworkNamespace) => Promise<T>,
): Promise<T> {
  const gone = (): BackendError =>
    new BackendError('not-found', 'open network namespace', `process ${process.pid} that held the pod is gone`);
  let fd: number;
  try {
    fd = openSync(`/proc/${process.pid}/ns/net`, 'r');
  } catch {
    throw gone();
  }
  try {
    // Alive after the opening under the same start time: the pid was never another's in between.
    if (!(await isAlive(process))) throw gone();
    return await task({ fd });
  } finally {
    closeSync(fd);
  }
}
