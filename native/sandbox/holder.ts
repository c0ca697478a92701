import type { BackendContext } from '../context.ts';
import { isAlive, type ProcessId } from '../process/process-id.ts';
import type { SandboxRecord } from '../records/records.ts';

/** @returns the process that holds a sandbox's namespaces, or null when the sandbox is dead. */
export async function livingHolder(
  { bootId }: Pick<BackendContext, 'bootId'>,
  record: SandboxRecord,
): Promise<ProcessId | null> {
  if (record.holder === null || record.bootId !== bootId) return null;
  return (await isAlive(record.holder)) ? record.holder : null;
}
