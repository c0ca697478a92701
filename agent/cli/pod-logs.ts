import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One line of a container's log (CRI log format). */
export interface LogLine {
  /** RFC 3339, nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

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

async function podLogs(logsDir: string, pod: string): Promise<readonly ContainerLog[]> {
  const names = await readdir(join(logsDir, pod));
  return names
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => ({ pod, container: name.slice(0, -'.log'.length), path: join(logsDir, pod, name) }));
}

/** @returns the last lines of a log, rotated files included; a line split by the CRI format is put together again. */
export async function readTail(log: ContainerLog, count: number): Promise<readonly LogLine[]> {
  const lines: LogLine[] = parseLog(await readFile(log.path, 'utf8').catch(() => ''));
  for (let rotation = 1; lines.length < count; rotation++) {
    const older = await readFile(`${log.path}.${rotation}`, 'utf8').catch(() => null);
    if (older === null) break;
    lines.unshift(...parseLog(older));
  }
  return count === 0 ? [] : lines.slice(-count);
}

/** Calls back with every line written from now on, until aborted. Goes on in the new file when the log is rotated. */
export async function followLog(
  log: ContainerLog,
  onLine: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  let { ino, size: offset } = await stat(log.path);
  let rest = '';
  while (!signal.aborted) {
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
    const now = await stat(log.path).catch(() => null);
    if (now === null) continue;
    if (now.ino !== ino || now.size < offset) {
      ino = now.ino;
      offset = 0;
    }
    if (now.size === offset) continue;
    const text = rest + (await readFrom(log.path, offset, now.size));
    offset = now.size;
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    for (const line of parseLog(text.slice(0, end))) onLine(line);
  }
}

const FOLLOW_MS = 200;

async function readFrom(path: string, start: number, end: number): Promise<string> {
  const content = await readFile(path);
  return content.subarray(start, end).toString('utf8');
}

/** Parses the CRI log format: `<time> <stream> <F|P> <text>`, `P` marking a part of a longer line. */
export function parseLog(text: string): LogLine[] {
  const lines: LogLine[] = [];
  const parts: Record<string, string> = { stdout: '', stderr: '' };
  for (const raw of text.split('\n')) {
    const match = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(raw);
    if (!match) continue;
    const [, time = '', stream = 'stdout', tag, body = ''] = match;
    parts[stream] += body;
    if (tag === 'P') continue;
    lines.push({ time, stream: stream as LogLine['stream'], text: parts[stream] ?? '' });
    parts[stream] = '';
  }
  return lines;
}
