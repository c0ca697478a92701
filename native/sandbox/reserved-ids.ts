import { readFile } from 'node:fs/promises';
import type { ReservedIds } from './id-range.ts';

/** Where a node says which ids its users may give to containers of theirs (subuid(5), subgid(5)). */
const FILES = ['/etc/subuid', '/etc/subgid'] as const;

/** @returns the ids that users of the node may use; none of them becomes a pod's. A file that is not there reserves none. */
export async function readReservedIds(files: readonly string[] = FILES): Promise<readonly ReservedIds[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.split('\n').flatMap(readLine));
}

/** `name:first:count`; other lines mean nothing, as to everybody who reads them. */
function readLine(line: string): readonly ReservedIds[] {
  const [, first, count] = /^[^:#]+:(\d{1,10}):(\d{1,10})\s*$/.exec(line) ?? [];
  return first === undefined || count === undefined ? [] : [{ first: Number(first), count: Number(count) }];
}
