import pLimit from 'p-limit';
import {
  canonicalJson,
  digestOf,
  type ImagePolicy,
  imagePoliciesForNode,
  type LocatedResource,
  type LocatedWorkload,
  type PersistentVolumeClaim,
  type WorkloadKey,
  workloadKey,
} from '../../manifests/index.ts';
import { toFailure } from '../execute/to-failure.ts';
import type { MaterialStore } from '../material/material-store.ts';
import { type Attempt, nextAttempt } from '../reconcile/failure.ts';
import { runnableVersion } from '../reconcile/runnable-version.ts';
import type { DesiredState, DesiredWorkload, LastGood, Version, Wanted } from '../reconcile/state.ts';
import { IMAGE_POLICY } from './image-findings.ts';
import type { ParsedRevision } from './parse-revision.ts';
import { judgeAgain, type Prepared, type PreparePorts, prepare } from './prepare.ts';
import { createProvenVersions } from './proven-versions.ts';

/** Workloads resolved and judged at the same time: many, so that some that wait for a dead registry hold up no others. */
const CONCURRENT = 32;
/** How often images that ImagePolicies are for are held to them again, and how often those that lack something. */
const RECHECK_MS = 600_000;
const RECHECK_LACKING_MS = 60_000;
/** Identities remembered for each workload; the pods of older ones are long gone. */
const MOST_FORMER = 16;

/** What Git wants of this node, each workload as far as it has been resolved and judged. */
export interface DesiredBoard {
  /** The desired state now, or null before the first revision. */
  desired(): DesiredState | null;
  /** What the revision says beside its workloads. */
  resources(): readonly LocatedResource[];
  /** The ImagePolicies of the revision that hold on this node. */
  imagePolicies(): readonly ImagePolicy[];
  /** Takes a revision as the desired state, at once; resolves when each of its workloads was judged or failed. Never rejects. */
  take(parsed: ParsedRevision): Promise<void>;
  /** Tries again what failed and is due, and judges again what ImagePolicies hold and time may have changed. */
  retryDue(now: number): void;
  /** Remembers that a version runs well. */
  promote(good: LastGood): void;
  /** The newest version of a workload that ran well here, judged by today's policies; null when there is none. */
  lastGood(key: WorkloadKey): Promise<LastGood | null>;
  /** What a pod of this identity is made from, unless it must not run. */
  version(identity: string, workload: WorkloadKey): Version | undefined;
}

interface Entry {
  readonly located: LocatedWorkload;
  readonly digest: string;
  former: readonly string[];
  wanted: Wanted;
  attempt: Attempt | undefined;
  /** When signatures are looked at again; null without ImagePolicies. Milliseconds since the epoch. */
  recheckAt: number | null;
  isBusy: boolean;
}

export interface BoardPorts extends PreparePorts {
  readonly now: () => number;
  readonly material: MaterialStore;
  /** Versions that ran well before this agent started. */
  readonly lastGood: ReadonlyMap<WorkloadKey, Version>;
  /** Called when something became known. */
  readonly onChange: () => void;
}

/** Makes an empty board that knows which versions ran well before. */
export function createDesiredBoard(ports: BoardPorts): DesiredBoard {
  const limit = pLimit(CONCURRENT);
  const entries = new Map<WorkloadKey, Entry>();
  let revision: string | null = null;
  let resources: readonly LocatedResource[] = [];
  let imagePolicies: readonly ImagePolicy[] = [];
  const proven = createProvenVersions(ports.lastGood, (version) => judgeAgain(version, imagePolicies, ports));

  const prepareEntry = async (key: WorkloadKey, { located }: Entry, commit: string): Promise<Prepared> => {
    await proven.judge(key);
    const material = await ports.material.at(commit);
    return prepare(located, { revision: commit, material, imagePolicies }, ports);
  };
  const refresh = async (key: WorkloadKey, entry: Entry): Promise<void> => {
    if (entry.isBusy || revision === null) return;
    entry.isBusy = true;
    const commit = revision;
    const prepared = await limit(() =>
      prepareEntry(key, entry, commit).catch((error): Prepared => ({ ok: false, failure: toFailure(error) })),
    );
    entry.isBusy = false;
    entry.recheckAt = recheckTime(imagePolicies, prepared, ports.now());
    // What was judged stays so until there is another judgement of it.
    if (!prepared.ok && entry.wanted.state === 'judged' && entry.wanted.version.revision === commit) return;
    entry.attempt = prepared.ok ? undefined : nextAttempt(entry.attempt, prepared.failure, ports.now());
    entry.wanted = prepared.ok
      ? { state: 'judged', version: prepared.version, verdict: prepared.verdict }
      : { state: 'unresolved', failure: prepared.failure, retryAt: entry.attempt?.retryAt ?? ports.now() };
    ports.onChange();
  };
  const describe = ([key, entry]: readonly [WorkloadKey, Entry]): DesiredWorkload => ({
    key,
    workload: entry.located.workload,
    wanted: entry.wanted,
    lastGood: proven.get(key),
    former: entry.former,
  });

  return {
    desired: () =>
      revision === null ? null : { revision, workloads: [...entries].map(describe), claims: claimsOf(resources) },
    resources: () => resources,
    imagePolicies: () => imagePolicies,
    take: async (parsed) => {
      const adopted = adopt(parsed, entries);
      entries.clear();
      for (const [key, entry] of adopted) entries.set(key, entry);
      proven.keepOnly(new Set(entries.keys()));
      revision = parsed.revision.commit;
      ports.material.take(revision, parsed.resources);
      resources = parsed.resources;
      const policies = imagePoliciesForNode(resources, ports.node.labels);
      if (canonicalJson(policies) !== canonicalJson(imagePolicies)) proven.distrust();
      imagePolicies = policies;
      ports.onChange();
      await Promise.all(adopted.map(([key, entry]) => refresh(key, entry)));
    },
    retryDue: (now) => {
      for (const [key, entry] of entries) {
        if (entry.wanted.state === 'unresolved' && entry.wanted.retryAt <= now) void refresh(key, entry);
        if (entry.wanted.state !== 'judged' || entry.recheckAt === null || entry.recheckAt > now) continue;
        proven.distrust([key]);
        void refresh(key, entry);
      }
    },
    promote: (good) => {
      const key = workloadKey(good.version.workload);
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.former = withIdentity(entry.former, proven.version(key));
      proven.promote(good);
    },
    lastGood: async (key) => {
      await proven.judge(key);
      return proven.get(key);
    },
    version: (identity, workload) => {
      const entry = entries.get(workload);
      return entry && runnableVersion(describe([workload, entry]), identity);
    },
  };
}

/** Keys and certificates end, attestations grow old, and a signature may come after its image. */
function recheckTime(policies: readonly ImagePolicy[], prepared: Prepared, now: number): number | null {
  if (policies.length === 0) return null;
  const findings = prepared.ok && prepared.verdict.decision !== 'allow' ? prepared.verdict.findings : [];
  const isLacking = findings.some(({ policy }) => policy === IMAGE_POLICY);
  return now + (isLacking ? RECHECK_LACKING_MS : RECHECK_MS);
}

/** @returns the volume claims among the resources of a revision. */
export function claimsOf(resources: readonly LocatedResource[]): readonly PersistentVolumeClaim[] {
  return resources.flatMap(({ resource }) => (resource.kind === 'PersistentVolumeClaim' ? [resource] : []));
}

function adopt(
  { workloads }: ParsedRevision,
  before: ReadonlyMap<WorkloadKey, Entry>,
): readonly (readonly [WorkloadKey, Entry])[] {
  return workloads.map((located) => {
    const key = workloadKey(located.workload);
    return [key, entryFor(located, before.get(key))] as const;
  });
}

function entryFor(located: LocatedWorkload, previous: Entry | undefined): Entry {
  const digest = digestOf(located.workload);
  // An unchanged workload keeps its verdict until the new one is there, so that its pods are kept up without a gap.
  const wanted: Wanted = previous?.digest === digest ? previous.wanted : { state: 'preparing' };
  const former = previous === undefined ? [] : formerOf(previous);
  return { located, digest, former, wanted, attempt: undefined, recheckAt: null, isBusy: false };
}

function formerOf({ former, wanted }: Pick<Entry, 'former' | 'wanted'>): readonly string[] {
  return withIdentity(former, wanted.state === 'judged' ? wanted.version : undefined);
}

function withIdentity(former: readonly string[], version: Version | undefined): readonly string[] {
  if (version === undefined) return former;
  return [...former.filter((other) => other !== version.identity), version.identity].slice(-MOST_FORMER);
}
