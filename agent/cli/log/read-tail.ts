import { closeAll, type LogFile, openLogFiles, readToEnd } from './log-files.ts';
import { createLineReader, type LogLine } from './log-line.ts';
import { ALWAYS, isWithin, type TimeWindow } from './time-window.ts';

/** The place in a log up to which it was read. */
export interface LogPosition {
  /** Inode of the file; null when there was none. */
  readonly inode: number | null;
  readonly offset: number;
}

/** The end of a log. */
export interface Tail {
  readonly lines: readonly LogLine[];
  readonly end: LogPosition;
}

const FIRST_BYTES = 64 * 1024;

/** Reads the last lines of a log, or of a part of it, rotated files included; only as much of it as these lines need. */
export async function readTail(path: string, count: number, window: TimeWindow = ALWAYS): Promise<Tail> {
  const files = await openLogFiles(path, null);
  try {
    const sized = await Promise.all(files.map(async (log) => ({ log, size: (await log.file.stat()).size })));
    const total = sized.reduce((sum, { size }) => sum + size, 0);
    const end = { inode: sized[0]?.log.inode ?? null, offset: sized[0]?.size ?? 0 };
    if (count === 0) return { lines: [], end };
    // The first line that is read may lack its beginning; one more than is wanted proves the others whole.
    for (let bytes = FIRST_BYTES; ; bytes *= 4) {
      const read = await linesOfLast(sized, bytes);
      const lines = read.filter(({ time }) => isWithin(window, time));
      const isEnough = lines.length > count || isBefore(window, read[0]) || bytes >= total;
      if (isEnough) return { lines: count < lines.length ? lines.slice(-count) : lines, end };
    }
  } finally {
    await closeAll(files);
  }
}

/** Whether what was read begins before the part that is wanted; its first line may lack its beginning, and the time with it. */
function isBefore({ sinceMs }: TimeWindow, first: LogLine | undefined): boolean {
  return first !== undefined && Date.parse(first.time) < sinceMs;
}

interface SizedLog {
  readonly log: LogFile;
  readonly size: number;
}

/** @param files newest first. */
async function linesOfLast(files: readonly SizedLog[], bytes: number): Promise<readonly LogLine[]> {
  let left = bytes;
  const pieces = files.map(({ log, size }) => {
    const from = Math.max(0, size - left);
    left = Math.max(0, left - size);
    return { log, from, size };
  });
  const reader = createLineReader();
  const lines: LogLine[] = [];
  for (const { log, from, size } of pieces.toReversed()) {
    let room = size - from;
    if (room === 0) continue;
    await readToEnd(log, from, (read) => {
      lines.push(...reader.read(read.subarray(0, room)));
      room -= Math.min(room, read.length);
    });
  }
  return lines;
}
