import { BackendError } from '../errors.ts';

/** Ids of one pod, as Kubernetes has it. */
export const ID_COUNT = 65536;

/** Ids are 32 bits; the last of them means none. */
const ID_END = 0xffffffff;

/** Where the ids of pods lie on the node. Below the first are the node's own. */
export interface IdSpace {
  /** First id of the first range. */
  readonly first: number;
  /** How many ranges of 65536 there are. */
  readonly ranges: number;
}

/** Ids that are somebody else's on the node. */
export interface ReservedIds {
  readonly first: number;
  readonly count: number;
}

/** From 1048576, above what distributions give to users by themselves, to the end of all ids. */
export const DEFAULT_ID_SPACE: IdSpace = { first: 16 * ID_COUNT, ranges: 0xfffe - 16 + 1 };

/** @throws BackendError `invalid-spec` for ids that there are not, or that are root's. */
export function checkIdSpace({ first, ranges }: IdSpace): void {
  const isRight = Number.isSafeInteger(first) && Number.isSafeInteger(ranges) && first >= ID_COUNT && ranges >= 1;
  if (isRight && first + ranges * ID_COUNT <= ID_END) return;
  const message = `ids: ${ranges} ranges of ${ID_COUNT} from ${first}: expected them between ${ID_COUNT} and ${ID_END}`;
  throw new BackendError('invalid-spec', 'check ids', message);
}

/**
 * @param taken first ids of the ranges in use.
 * @param reserved ids that are no pod's, such as those of /etc/subuid.
 * @returns the first id of the lowest range of 65536 in which no id is taken or reserved.
 * @throws BackendError `no-resources` when there is none.
 */
export function lowestFreeIdBase(
  taken: Iterable<number>,
  space: IdSpace = DEFAULT_ID_SPACE,
  reserved: readonly ReservedIds[] = [],
): number {
  const used = [...reserved, ...[...taken].map((first) => ({ first, count: ID_COUNT }))].sort(
    (a, b) => a.first - b.first,
  );
  let next = 0;
  let busyUntil = 0;
  for (let n = 0; n < space.ranges; n += 1) {
    const base = space.first + n * ID_COUNT;
    for (; (used[next]?.first ?? Number.POSITIVE_INFINITY) < base + ID_COUNT; next += 1) {
      const { first, count } = used[next] as ReservedIds;
      busyUntil = Math.max(busyUntil, first + count);
    }
    if (busyUntil <= base) return base;
  }
  throw new BackendError('no-resources', 'allocate ids', `each of ${space.ranges} ranges of user ids is in use`);
}
