import type { WorkloadKey } from '../../manifests/index.ts';

/** What is written on a pod's sandbox so that a restarted agent knows it again. */
export interface PodLabels {
  readonly key: WorkloadKey;
  readonly replica: number;
  readonly identity: string;
  /** Commit the pod was made from. */
  readonly revision: string;
  /** Time its processes get to end by themselves, even when Git has forgotten the workload. */
  readonly graceMs: number;
}

/** A profile of the node as it was when a container was started with it. */
export interface StartedProfile {
  /** Below the directory of profiles. */
  readonly path: string;
  /** `sha256:…` of the file. */
  readonly digest: string;
}

/** What is written on a container: how often it was started again, and what to know of it when Git has forgotten it. */
export interface ContainerLabels {
  readonly restarts: number;
  readonly crashes: number;
  /** Image digest. */
  readonly image: string;
  /** Command to run in it before it is stopped; null for none. */
  readonly preStop: readonly string[] | null;
  /** Or how long to wait before it is stopped, milliseconds; null for not at all. */
  readonly preStopSleepMs: number | null;
  /** The `Localhost` seccomp profile it was started with; null for another kind of profile. */
  readonly seccomp: StartedProfile | null;
}

const PREFIX = 'holdfast.dev/';
/** On a container that a person attached to its pod: no manifest has it. */
export const DEBUG_LABEL = `${PREFIX}debug`;
const DEFAULT_GRACE_MS = 30_000;

/** @returns the labels as the sandbox record keeps them. */
export function writePodLabels(labels: PodLabels): Record<string, string> {
  return {
    [`${PREFIX}workload`]: labels.key,
    [`${PREFIX}replica`]: String(labels.replica),
    [`${PREFIX}identity`]: labels.identity,
    [`${PREFIX}revision`]: labels.revision,
    [`${PREFIX}grace-ms`]: String(labels.graceMs),
  };
}

/** @returns the pod's labels, or null when they are incomplete or malformed: then it is a stray. */
export function readPodLabels(labels: Readonly<Record<string, string>>): PodLabels | null {
  const key = labels[`${PREFIX}workload`] ?? '';
  const replica = labels[`${PREFIX}replica`] ?? '';
  const identity = labels[`${PREFIX}identity`] ?? '';
  if (!/^[^/]+\/[^/]+$/.test(key) || !/^\d{1,6}$/.test(replica) || identity === '') return null;
  const grace = labels[`${PREFIX}grace-ms`] ?? '';
  return {
    key,
    replica: Number(replica),
    identity,
    revision: labels[`${PREFIX}revision`] ?? '',
    graceMs: /^\d{1,9}$/.test(grace) ? Number(grace) : DEFAULT_GRACE_MS,
  };
}

/** @returns the labels as the container record keeps them. */
export function writeContainerLabels(labels: ContainerLabels): Record<string, string> {
  return {
    [`${PREFIX}restarts`]: String(labels.restarts),
    [`${PREFIX}crashes`]: String(labels.crashes),
    [`${PREFIX}image`]: labels.image,
    ...(labels.preStop === null ? {} : { [`${PREFIX}pre-stop`]: JSON.stringify(labels.preStop) }),
    ...(labels.preStopSleepMs === null ? {} : { [`${PREFIX}pre-stop-sleep-ms`]: String(labels.preStopSleepMs) }),
    ...(labels.seccomp === null ? {} : { [`${PREFIX}seccomp`]: `${labels.seccomp.digest} ${labels.seccomp.path}` }),
  };
}

/** A malformed count reads as 0: the worst it can do is to restart sooner. */
export function readContainerLabels(labels: Readonly<Record<string, string>>): ContainerLabels {
  return {
    restarts: Number(labels[`${PREFIX}restarts`] ?? 0) || 0,
    crashes: Number(labels[`${PREFIX}crashes`] ?? 0) || 0,
    image: labels[`${PREFIX}image`] ?? '',
    preStop: readCommand(labels[`${PREFIX}pre-stop`]),
    preStopSleepMs: Number(labels[`${PREFIX}pre-stop-sleep-ms`] ?? 0) || null,
    seccomp: readProfile(labels[`${PREFIX}seccomp`] ?? ''),
  };
}

function readProfile(label: string): StartedProfile | null {
  const [, digest, path] = /^(sha256:[0-9a-f]{64}) (.+)$/.exec(label) ?? [];
  return digest === undefined || path === undefined ? null : { digest, path };
}

function readCommand(label: string | undefined): readonly string[] | null {
  try {
    const words: unknown = JSON.parse(label ?? 'null');
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : null;
  } catch {
    return null;
  }
}
