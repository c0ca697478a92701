import type { BackendError } from '../errors.ts';

/** @returns null when the task fails with just this errno. */
export async function ignoring<T>(errno: string, task: Promise<T>): Promise<T | null> {
  try {
    return await task;
  } catch (error) {
    if ((error as BackendError).errno === errno) return null;
    throw error;
  }
}
