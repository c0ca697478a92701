import pLimit from 'p-limit';
import { digestOf, type LocatedWorkload, type WorkloadKey, workloadKey } from '../../manifests/index.ts';
import { type Attempt, nextAttempt } from '../reconcile/failure.ts';
import type { DesiredState, DesiredWorkload, LastGood, Version, Wanted } from '../reconcile/state.ts';
import type { ParsedRevision } from './parse-revision.ts';
import { judgeAgain, type PreparePorts, prepare } from './prepare.ts';

/** Workloads resolved and judged at the same time: many, so that some that wait for a dead registry hold up no others. */
const CONCURRENT = 32;

/** What Git wants of this node, each workload as far as it has been resolved and judged. */
export interface DesiredBoard {
  /** The desired state now, or null before the first revision. */
  desired(): DesiredState | null;
  /** Takes a revision as the desired state; resolves when each of its workloads was judged or failed once. */
  take(parsed: ParsedRevision): Promise<void>;
  /** Tries again what failed and is due. */
  retryDue(now: number): void;
  /** Remembers that a version runs well. */
  promote(version: Version): void;
  /** The newest version of a workload that ran well here, judged by today's policies; null when there is none. */
  lastGood(key: WorkloadKey): LastGood | null;
  version(identity: string, workload: WorkloadKey): Version | undefined;
}

interface Entry {
  readonly located: LocatedWorkload;
  readonly digest: string;
  wanted: Wanted;
  attempt: Attempt | undefined;
  isBusy: boolean;
}

export interface BoardPorts extends PreparePorts {
  readonly now: () => number;
  /** Versions that ran well before this agent started. */
  readonly lastGood: ReadonlyMap<WorkloadKey, Version>;
  /** Called when something became known. */
  readonly onChange: () => void;
}

/** Makes an empty board that knows which versions ran well before. */
export function createDesiredBoard(ports: BoardPorts): DesiredBoard {
  const limit = pLimit(CONCURRENT);
  const entries = new Map<WorkloadKey, Entry>();
  const proven = new Map<WorkloadKey, LastGood>();
  const unjudged = new Map<WorkloadKey, Version>(ports.lastGood);
  let revision: string | null = null;

  const refresh = (key: WorkloadKey, entry: Entry): Promise<void> => {
    if (entry.isBusy || revision === null) return Promise.resolve();
    entry.isBusy = true;
    const commit = revision;
    return limit(async () => {
      await judgeOld(key);
      const prepared = await prepare(entry.located, commit, ports);
      entry.isBusy = false;
      entry.attempt = prepared.ok ? undefined : nextAttempt(entry.attempt, prepared.failure, ports.now());
      entry.wanted = prepared.ok
        ? { state: 'judged', version: prepared.version, verdict: prepared.verdict }
        : { state: 'unresolved', failure: prepared.failure, retryAt: entry.attempt?.retryAt ?? ports.now() };
      ports.onChange();
    });
  };

  const judgeOld = async (key: WorkloadKey): Promise<void> => {
    const version = unjudged.get(key);
    if (version === undefined) return;
    unjudged.delete(key);
    proven.set(key, await judgeAgain(version, ports));
  };

  const adopt = (located: LocatedWorkload): readonly [WorkloadKey, Entry] => {
    const key = workloadKey(located.workload);
    const digest = digestOf(located.workload);
    const previous = entries.get(key);
    // An unchanged workload keeps its verdict until the new one is there, so that its pods are kept up without a gap.
    const wanted: Wanted = previous?.digest === digest ? previous.wanted : { state: 'preparing' };
    return [key, { located, digest, wanted, attempt: undefined, isBusy: false }];
  };

  return {
    desired: () => {
      if (revision === null) return null;
      const workloads = [...entries].map(
        ([key, entry]): DesiredWorkload => ({ key, wanted: entry.wanted, lastGood: proven.get(key) ?? null }),
      );
      return { revision, workloads };
    },
    take: async (parsed) => {
      const adopted = parsed.workloads.map(adopt);
      entries.clear();
      for (const [key, entry] of adopted) entries.set(key, entry);
      for (const key of [...proven.keys(), ...unjudged.keys()]) {
        if (entries.has(key)) continue;
        proven.delete(key);
        unjudged.delete(key);
      }
      revision = parsed.revision.commit;
      ports.onChange();
      await Promise.all(adopted.map(([key, entry]) => refresh(key, entry)));
    },
    retryDue: (now) => {
      for (const [key, entry] of entries) {
        if (entry.wanted.state === 'unresolved' && entry.wanted.retryAt <= now) void refresh(key, entry);
      }
    },
    promote: (version) => {
      const entry = entries.get(workloadKey(version.workload));
      if (entry?.wanted.state !== 'judged') return;
      proven.set(workloadKey(version.workload), { version, verdict: entry.wanted.verdict });
    },
    lastGood: (key) => proven.get(key) ?? null,
    version: (identity, workload) => {
      const wanted = entries.get(workload)?.wanted;
      if (wanted?.state === 'judged' && wanted.version.identity === identity) return wanted.version;
      const good = proven.get(workload)?.version;
      return good?.identity === identity ? good : undefined;
    },
  };
}
