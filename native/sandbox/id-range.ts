import { BackendError } from '../errors.ts';

/** Ids of one pod, as Kubernetes has it. */
export const ID_COUNT = 65536;

const FIRST = 16;
/** Ids are 32 bits, the last of them means none. */
const LAST = 0xfffe;

/**
 * @param taken first ids of the ranges in use.
 * @returns the first id of the lowest free range of 65536. Below the first lie the node's own ids.
 * @throws BackendError `no-resources` when every range is taken.
 */
export function lowestFreeIdBase(taken: Iterable<number>): number {
  const used = new Set(taken);
  for (let n = FIRST; n <= LAST; n += 1) if (!used.has(n * ID_COUNT)) return n * ID_COUNT;
  throw new BackendError('no-resources', 'allocate ids', 'every range of 65536 user ids is in use');
}
