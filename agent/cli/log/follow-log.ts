import { setTimeout as sleep } from 'node:timers/promises';
import { closeAll, type LogFile, openLogFiles, readToEnd } from './log-files.ts';
import { createLineReader, type LogLine } from './log-line.ts';
import type { LogPosition } from './read-tail.ts';

const FOLLOW_MS = 200;

/**
 * Calls back with every line after a position, until aborted. Reads each byte once, and loses none when the log is rotated:
 * a file that was moved aside is read to its end before the next one.
 */
export async function followLog(
  path: string,
  from: LogPosition,
  onLine: (line: LogLine) => void,
  signal: AbortSignal,
): Promise<void> {
  const lines = createLineReader();
  const read = async (log: LogFile, offset: number): Promise<number> => {
    const { size } = await log.file.stat();
    // The last line of a full disk was taken back.
    if (size < offset) lines.reset();
    return readToEnd(log, Math.min(size, offset), (bytes) => lines.read(bytes).forEach(onLine));
  };
  let { current, newer } = await openFrom(path, from.inode);
  let { offset } = from;
  while (!signal.aborted) {
    if (current) offset = await read(current, offset);
    for (const next of newer) {
      await closeAll(current ? [current] : []);
      lines.reset();
      current = next;
      offset = await read(next, 0);
    }
    await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
    const found = await openFrom(path, current?.inode ?? null);
    await closeAll(found.current ? [found.current] : []);
    newer = found.newer;
  }
  await closeAll([...(current ? [current] : []), ...newer]);
}

/** @returns the file of an inode, if the log still has it, and those that came after it, oldest first. */
async function openFrom(
  path: string,
  inode: number | null,
): Promise<{ readonly current: LogFile | undefined; readonly newer: readonly LogFile[] }> {
  const files = await openLogFiles(path, inode);
  return {
    current: files.find((file) => file.inode === inode),
    newer: files.filter((file) => file.inode !== inode).toReversed(),
  };
}
