import { dirname, join } from 'node:path';
import { BackendError } from '../errors.ts';
import { type Limits, UNLIMITED_SWAP } from '../limits.ts';
import { cannotHold } from './controls/control.ts';
import { UNLIMITED_BYTES } from './controls/memory-high.ts';
import { readControl, writeControl, writeSlowControl } from './files.ts';

/**
 * v1 limits memory, and memory and swap together: with equal values nothing swaps. The kernel refuses memory above both
 * together at any moment: going up beyond that, the latter leads; else memory does.
 */
export async function writeMemoryV1(directory: string, limits: Limits): Promise<void> {
  const memory = join(directory, 'memory.limit_in_bytes');
  const memoryAndSwap = join(directory, 'memory.memsw.limit_in_bytes');
  const { memoryBytes } = limits;
  const value = memoryBytes === null ? '-1' : BigInt(memoryBytes).toString();
  const current = await readControl(memoryAndSwap);
  if (current === null) {
    if (limits.swapBytes) throw cannotHold('swapBytes', 'the kernel does not count swap; boot it with swapaccount=1');
    return writeMemoryLimit(memory, value);
  }
  const isUp = memoryBytes === null || memoryBytes >= Number(current);
  const writes = [
    [memoryAndSwap, bothTogether(limits)],
    [memory, value],
  ] as const;
  for (const [path, text] of isUp ? writes : writes.toReversed()) await writeMemoryLimit(path, text);
}

/** @returns the swap that both limits leave, where it was asked for. */
export async function readSwapV1(
  directory: string,
  { swapBytes }: Limits,
  memory: number,
): Promise<{ swapBytes?: number | null }> {
  if (swapBytes == null) return {};
  const both = Number(await readControl(join(directory, 'memory.memsw.limit_in_bytes')));
  return { swapBytes: both >= UNLIMITED_BYTES ? UNLIMITED_SWAP : both - memory };
}

function bothTogether({ memoryBytes, swapBytes }: Limits): string {
  if (memoryBytes === null || (swapBytes ?? 0) >= UNLIMITED_SWAP) return '-1';
  return (BigInt(memoryBytes) + BigInt(swapBytes ?? 0)).toString();
}

/**
 * The kernel reclaims what it can before it answers EBUSY: what is in use then cannot be taken without killing. A group
 * that uses nothing, as a new one, has nothing to reclaim, and needs no other thread to wait in.
 */
async function writeMemoryLimit(path: string, value: string): Promise<void> {
  try {
    const isUnused = (await readControl(join(dirname(path), 'memory.usage_in_bytes'))) === '0';
    await (isUnused ? writeControl(path, value) : writeSlowControl(path, value));
  } catch (error) {
    if (!(error instanceof BackendError) || error.errno !== 'EBUSY') throw error;
    const usage = await readControl(join(dirname(path), 'memory.usage_in_bytes'));
    throw new BackendError(
      'no-resources',
      error.stage,
      `cgroup ${dirname(path)}: cannot lower memory to ${value} bytes, ${usage} are in use; restart the container to apply it`,
      { errno: 'EBUSY', cause: error },
    );
  }
}
