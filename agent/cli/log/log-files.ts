import { type FileHandle, open } from 'node:fs/promises';

const CHUNK_BYTES = 64 * 1024;

/** One file of a log, open: rotation may rename it meanwhile. */
export interface LogFile {
  readonly file: FileHandle;
  readonly inode: number;
}

/**
 * Opens a log and those rotated away from it (`path.1`, `path.2`, …), newest first.
 * @param until the inode to stop at, which is opened too; null opens all.
 */
export async function openLogFiles(path: string, until: number | null): Promise<readonly LogFile[]> {
  const files: LogFile[] = [];
  for (let rotation = 0; ; rotation++) {
    const file = await open(rotation === 0 ? path : `${path}.${rotation}`).catch(() => null);
    // A log that was just moved aside has no new file until the next line comes.
    if (file === null && rotation > 0) return files;
    if (file === null) continue;
    const { ino: inode } = await file.stat();
    if (files.some((known) => known.inode === inode)) await file.close();
    else files.push({ file, inode });
    if (inode === until) return files;
  }
}

/** Closes files whose reading is over. */
export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(({ file }) => file.close()));
}

/** Reads a file from an offset to its end, a piece at a time. @returns the offset of the end. */
export async function readToEnd(
  { file }: LogFile,
  offset: number,
  onBytes: (bytes: Uint8Array) => void,
): Promise<number> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let at = offset; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return at;
    at += bytesRead;
    onBytes(buffer.subarray(0, bytesRead));
  }
}
