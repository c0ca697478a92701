import { readFile } from 'node:fs/promises';

/** A program gets no more than this (execve(2), a third of the stack at most). */
const LONGEST_BYTES = 6 * 1024 * 1024;

/**
 * Variables that are kept in no record, as the container's first process was started with them. It may have written over
 * them since; that harms nobody but itself.
 * @param names of the variables.
 * @returns those that are still to be read, `KEY=value`.
 */
export async function heldVariables(pid: number, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const text = await readFile(`/proc/${pid}/environ`).catch(() => Buffer.alloc(0));
  if (text.length > LONGEST_BYTES) return [];
  const entries = text.toString('utf8').split('\0');
  return entries.filter((entry) => names.includes(entry.slice(0, Math.max(0, entry.indexOf('=')))));
}
