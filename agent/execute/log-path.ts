import { join } from 'node:path';

/** @returns where the log of one container is, in the CRI format: `<dir>/<pod>/<container>.log`, rotated to `.1`, `.2`, … */
export function logPath(logsDir: string, pod: string, container: string): string {
  return join(logsDir, pod, `${container}.log`);
}
