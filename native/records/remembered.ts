import { statSync } from 'node:fs';
import type { Found } from './records.ts';

/** Reads records of one kind, each file again only when it has changed. */
export interface RememberedRecords<T> {
  read(path: string): Found<T>;
  /** To be called after a file was written: its time and inode may be those of the last content. */
  forget(path: string): void;
}

interface Memory<T> {
  readonly stamp: string;
  readonly found: Found<T>;
}

/** @param read reads a file whatever is remembered. */
export function rememberRecords<T>(read: (path: string) => Found<T>): RememberedRecords<T> {
  const memories = new Map<string, Memory<T>>();
  return {
    read: (path) => {
      const stamp = stampOf(path);
      // A new sandbox or container has none: an error to say so would cost more than the look.
      if (stamp === null) {
        memories.delete(path);
        return { state: 'absent' };
      }
      const memory = memories.get(path);
      if (memory !== undefined && memory.stamp === stamp) return memory.found;
      const found = read(path);
      if (found.state === 'found') memories.set(path, { stamp, found });
      else memories.delete(path);
      return found;
    },
    forget: (path) => {
      memories.delete(path);
    },
  };
}

/** Null when there is no file. */
function stampOf(path: string): string | null {
  const about = statSync(path, { bigint: true, throwIfNoEntry: false });
  return about === undefined ? null : `${about.ino}/${about.mtimeNs}/${about.size}`;
}
