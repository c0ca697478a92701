import { join } from 'node:path';
import { BackendError } from '../errors.ts';
import { type Limits, UNLIMITED_SWAP } from '../limits.ts';
import { cannotHold } from './controls/control.ts';
import { readControl, writeControl, writeControlIfPresent, writeSlowControl } from './files.ts';

/**
 * A limited group does not swap unless it is told to, and dies as one when it runs out. Groups without a limit of their
 * own never do: the kernel would take the outermost such group, all of ours, when the whole node runs out.
 */
export async function writeMemoryV2(directory: string, limits: Limits): Promise<void> {
  const { memoryBytes, swapBytes } = limits;
  const isUnused = await makeRoom(directory, memoryBytes);
  const hasSwapLimit = await writeControlIfPresent(join(directory, 'memory.swap.max'), swapText(limits));
  if (!hasSwapLimit && swapBytes) throw cannotHold('swapBytes', 'the kernel does not count swap');
  await writeControlIfPresent(join(directory, 'memory.oom.group'), memoryBytes === null ? '0' : '1');
  const write = isUnused ? writeControl : writeSlowControl;
  await write(join(directory, 'memory.max'), memoryBytes === null ? 'max' : BigInt(memoryBytes).toString());
}

/** @returns the limit of swap, where it was asked for. */
export async function readSwapV2(directory: string, { swapBytes }: Limits): Promise<{ swapBytes?: number | null }> {
  if (swapBytes == null) return {};
  const text = await readControl(join(directory, 'memory.swap.max'));
  if (text === null) return { swapBytes };
  return { swapBytes: text === 'max' ? UNLIMITED_SWAP : Number(text) };
}

function swapText({ memoryBytes, swapBytes }: Limits): string {
  if (memoryBytes === null || (swapBytes ?? 0) >= UNLIMITED_SWAP) return 'max';
  return BigInt(swapBytes ?? 0).toString();
}

/**
 * `memory.max` below what is in use would kill: reclaim first, and refuse when that is not enough.
 * @returns whether the group uses nothing, as a new one: then the kernel has nothing to reclaim, and answers at once.
 */
async function makeRoom(directory: string, bytes: number | null): Promise<boolean> {
  const used = async (): Promise<number> => Number(await readControl(join(directory, 'memory.current')));
  const before = await used();
  if (bytes === null || before <= bytes) return before === 0;
  await writeSlowControl(join(directory, 'memory.reclaim'), String(before - bytes)).catch((error: BackendError) => {
    const isPartial = error.errno === 'EAGAIN' || error.code === 'not-found';
    if (!isPartial) throw error;
  });
  const after = await used();
  if (after <= bytes) return false;
  throw new BackendError(
    'no-resources',
    'write memory.max',
    `cgroup ${directory}: cannot lower memory to ${bytes} bytes, ${after} are in use; restart the container to apply it`,
    { errno: 'EBUSY' },
  );
}
