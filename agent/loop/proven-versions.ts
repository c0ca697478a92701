import { type WorkloadKey, workloadKey } from '../../manifests/index.ts';
import type { LastGood, Version } from '../reconcile/state.ts';

/** The newest version of each workload that ran well here, with what the policies say of it. */
export interface ProvenVersions {
  /** As it was last judged; null while it never was. */
  get(key: WorkloadKey): LastGood | null;
  /** The version itself, judged or not. */
  version(key: WorkloadKey): Version | undefined;
  /** Judges one that was not judged yet, or must be again. */
  judge(key: WorkloadKey): Promise<void>;
  promote(good: LastGood): void;
  /** The verdicts of these were of another time: they count until `judge`. */
  distrust(keys?: Iterable<WorkloadKey>): void;
  /** Forgets all but these. */
  keepOnly(keys: ReadonlySet<WorkloadKey>): void;
}

/** @param before versions that ran well before this agent started. */
export function createProvenVersions(
  before: ReadonlyMap<WorkloadKey, Version>,
  judgeNow: (version: Version) => Promise<LastGood>,
): ProvenVersions {
  const proven = new Map<WorkloadKey, LastGood>();
  const unjudged = new Map<WorkloadKey, Version>(before);
  /** Counts how often verdicts became old. */
  let times = 0;
  return {
    get: (key) => proven.get(key) ?? null,
    version: (key) => proven.get(key)?.version ?? unjudged.get(key),
    judge: async (key) => {
      for (let version = unjudged.get(key); version !== undefined; version = unjudged.get(key)) {
        const then = times;
        const judged = await judgeNow(version);
        // Meanwhile the workload may have left Git, a newer version may have proven itself, or the policies changed.
        if (then === times && unjudged.get(key) === version && unjudged.delete(key)) proven.set(key, judged);
      }
    },
    promote: (good) => {
      const key = workloadKey(good.version.workload);
      unjudged.delete(key);
      proven.set(key, good);
    },
    distrust: (keys = [...proven.keys()]) => {
      times += 1;
      for (const key of keys) {
        const good = proven.get(key);
        if (good !== undefined) unjudged.set(key, good.version);
      }
    },
    keepOnly: (keys) => {
      for (const key of [...proven.keys(), ...unjudged.keys()]) {
        if (keys.has(key)) continue;
        proven.delete(key);
        unjudged.delete(key);
      }
    },
  };
}
