import type { ObservedNetwork } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import type { Inspection } from './inspect.ts';

/** @returns the networks on record, and whether the kernel still has them and their rules as they were made. */
export async function observeNetworks(
  { records }: Pick<BackendContext, 'records'>,
  { networks: changed }: Inspection,
): Promise<readonly ObservedNetwork[]> {
  return (await records.networks()).map((record): ObservedNetwork => {
    const differences = changed.get(record.name);
    return differences === undefined ? { ...record, state: 'ready' } : { ...record, state: 'broken', differences };
  });
}
