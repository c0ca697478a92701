import { closeAll, type LogFile, openLogFiles, readToEnd } from './log-files.ts';
import { createLineReader, type LogLine } from './log-line.ts';

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

/** Reads the last lines of a log, rotated files included; only as much of it as these lines need. */
export async function readTail(path: string, count: number): Promise<Tail> {
  const files = await openLogFiles(path, null);
  try {
    const sized = await Promise.all(files.map(async (log) => ({ log, size: (await log.file.stat()).size })));
    const total = sized.reduce((sum, { size }) => sum + size, 0);
    const end = { inode: sized[0]?.log.inode ?? null, offset: sized[0]?.size ?? 0 };
    if (count === 0) return { lines: [], end };
    // The first line that is read may lack its beginning; one more than is wanted proves the others whole.
    for (let bytes = FIRST_BYTES; ; bytes *= 4) {
      const lines = await linesOfLast(sized, bytes);
      if (lines.length > count || bytes >= total) return { lines: lines.slice(-count), end };
    }
  } finally {
    await closeAll(files);
  }
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
