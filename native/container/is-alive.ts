import type { BackendContext } from '../context.ts';
import { isAlive } from '../process/process-id.ts';
import type { ContainerRecord } from '../records/records.ts';

/** @returns whether the container's init still runs. */
export async function isContainerAlive(
  { bootId }: Pick<BackendContext, 'bootId'>,
  record: ContainerRecord,
): Promise<boolean> {
  return record.running !== null && record.bootId === bootId && (await isAlive(record.running.init));
}

/** @returns whether its shim still runs, which may yet write the exit record. */
export async function isShimAlive(
  { bootId }: Pick<BackendContext, 'bootId'>,
  record: ContainerRecord,
): Promise<boolean> {
  return record.running !== null && record.bootId === bootId && (await isAlive(record.running.shim));
}
