import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_ID_SPACE, type IdSpace, lowestFreeIdBase, type ReservedIds } from './id-range.ts';

/**
 * Which sandbox has which range of ids, kept apart from the sandboxes' records: a range is another's only once its
 * sandbox is removed, even if the record is lost meanwhile and its processes still run.
 */
export interface IdClaims {
  /**
   * Gives a sandbox the lowest range that no other has. Serialised by the caller.
   * @returns its first id. @throws BackendError `no-resources` when there is none.
   */
  claim(sandboxId: string): number;
  /** Notes the range that a record says a sandbox has, where it is not noted: of an agent that kept no claims. */
  adopt(sandboxId: string, base: number): void;
  /** Gives back what a sandbox has, when nothing of it is left. */
  release(sandboxId: string): void;
  /** @returns the sandboxes that have a range. */
  owners(): readonly string[];
}

interface Claim {
  readonly base: number;
  readonly owner: string;
  readonly file: string;
}

/** Opens the claims kept in a directory on a tmpfs: one empty file each, named for range and sandbox. */
export function createIdClaims(
  directory: string,
  space: IdSpace = DEFAULT_ID_SPACE,
  reserved: readonly ReservedIds[] = [],
): IdClaims {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const claims = (): readonly Claim[] => readdirSync(directory).flatMap(asClaim);
  const note = (sandboxId: string, base: number): void =>
    writeFileSync(join(directory, `${base}-${sandboxId}`), '', { mode: 0o600, flag: 'wx' });
  return {
    claim: (sandboxId) => {
      const taken = claims().map((claim) => claim.base);
      const base = lowestFreeIdBase(taken, space, reserved);
      note(sandboxId, base);
      return base;
    },
    adopt: (sandboxId, base) => {
      if (!claims().some((claim) => claim.owner === sandboxId && claim.base === base)) note(sandboxId, base);
    },
    release: (sandboxId) => {
      for (const { owner, file } of claims()) if (owner === sandboxId) rmSync(join(directory, file), { force: true });
    },
    owners: () => [...new Set(claims().map(({ owner }) => owner))],
  };
}

function asClaim(file: string): readonly Claim[] {
  const [, base, owner] = /^(\d{1,10})-(.+)$/.exec(file) ?? [];
  return base === undefined || owner === undefined ? [] : [{ base: Number(base), owner, file }];
}
