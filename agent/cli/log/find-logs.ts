import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A container with a log on this node. */
export interface ContainerLog {
  readonly pod: string;
  readonly container: string;
  readonly path: string;
}

/**
 * Finds the logs of a workload (`name` or `namespace/name`) or of one pod.
 * @param container only this container's log; null takes all.
 */
export async function findLogs(
  logsDir: string,
  target: string,
  container: string | null,
): Promise<readonly ContainerLog[]> {
  const pods = await readdir(logsDir).catch((): string[] => []);
  const [namespace, name] = target.includes('/') ? target.split('/') : ['default', target];
  const wanted = pods.filter((pod) => pod === target || pod.startsWith(`${namespace}_${name}_`)).sort();
  const logs = await Promise.all(wanted.map((pod) => podLogs(logsDir, pod)));
  return logs.flat().filter((log) => container === null || log.container === container);
}

/** A pod may be removed while it is looked at. */
async function podLogs(logsDir: string, pod: string): Promise<readonly ContainerLog[]> {
  const names = await readdir(join(logsDir, pod)).catch((): string[] => []);
  return names
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => ({ pod, container: name.slice(0, -'.log'.length), path: join(logsDir, pod, name) }));
}
