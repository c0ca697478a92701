import { readFile } from 'node:fs/promises';

/** @returns an id that every boot of the node has anew: pids and start times of another boot mean nothing. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
