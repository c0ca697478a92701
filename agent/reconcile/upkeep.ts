import type { Container } from '../../manifests/index.ts';
import { nextRestart } from './availability.ts';
import { blocked, combine, type Draft, nothing, steps, waiting } from './draft.ts';
import { limitsOf, sameLimits } from './limits.ts';
import { guardsOf, networksOf } from './networks/networking.ts';
import type { Step } from './plan.ts';
import { podId } from './pod-id.ts';
import { removePod, unlessRemovalFailed } from './removal.ts';
import {
  findContainer,
  hasBegun,
  hasCompleted,
  isComplete,
  type OrderedContainer,
  type Role,
  startOrder,
} from './start-order.ts';
import type { ObservedPod, OverLimit, PlanContext, PodContainer, Version } from './state.ts';

/** Makes a pod that is not there: its namespaces, then its containers in order, up to the first that has to end first. */
export function createPod(version: Version, replica: number, reason: string, { networking }: PlanContext): Draft {
  const { workload, identity } = version;
  const key = `${workload.namespace}/${workload.name}`;
  const pod = podId(workload, replica, identity);
  const order = startOrder(workload.pod);
  const firstInit = order.findIndex(({ role }) => role === 'init');
  const create: Step = {
    ...{ kind: 'create-pod', workload: key, pod, identity, replica, reason },
    networks: networking === undefined && !workload.pod.hostNetwork ? 'none' : networksOf(workload),
    guards: networking === undefined ? [] : guardsOf(networking, workload),
  };
  return steps(
    create,
    ...order
      .slice(0, firstInit < 0 ? order.length : firstInit + 1)
      .map(({ container }) => startContainer(key, pod, version, container.name, reason)),
  );
}

/**
 * Keeps a pod as its version describes it: makes it anew when dead, starts what is missing or ended, restores limits.
 * What comes after an init container waits for its end, what comes after a sidecar for its start.
 */
export function keepPod(pod: ObservedPod, version: Version, context: PlanContext): Draft {
  if (pod.state === 'dead') {
    const remove: Step = { kind: 'remove-pod', workload: pod.key, pod: pod.id, reason: 'its sandbox died' };
    return unlessRemovalFailed(
      pod.key,
      context,
      combine(steps(remove), createPod(version, pod.replica, 'its sandbox died', context)),
    );
  }
  const [over] = pod.overLimits ?? [];
  if (over !== undefined) return evict(pod, over, context);
  if (hasCompleted(pod, version)) return endSidecars(pod, version, context);
  // First, for what is started next reads them.
  const drafts: Draft[] = [reconnect(pod), writeFiles(pod, version)];
  for (const ordered of startOrder(version.workload.pod)) {
    if (ordered.role === 'init' && hasBegun(pod, version)) continue;
    drafts.push(keepContainer(pod, ordered, version, context));
    const found = findContainer(pod, ordered.container.name);
    if (ordered.role === 'init' && !(found && isComplete(found, 'init', version))) break;
  }
  return combine(...drafts);
}

/** As kubelet does: it goes with its emptyDirs, and another one takes its place. */
function evict(pod: ObservedPod, { volume, usedBytes, limitBytes }: OverLimit, context: PlanContext): Draft {
  return removePod(pod, `volume ${volume} takes ${usedBytes} bytes or more of its limit of ${limitBytes}`, context);
}

/** Its programs go on meanwhile. */
function reconnect(pod: ObservedPod): Draft {
  const [first] = pod.differences ?? [];
  if (first === undefined) return nothing;
  const reason = `somebody changed its network (${first.field}: ${first.found})`;
  return steps({ kind: 'reconnect-pod', workload: pod.key, pod: pod.id, reason });
}

const FILES_REASON = {
  missing: 'its files are not written yet',
  outdated: 'its files changed in Git',
  tampered: 'somebody changed its files',
} as const;

function writeFiles(pod: ObservedPod, version: Version): Draft {
  const [first] = pod.staleFiles ?? [];
  if (first === undefined) return nothing;
  const reason = `${FILES_REASON[first.state]} (volume ${first.volume})`;
  return steps({ kind: 'write-files', workload: pod.key, pod: pod.id, identity: version.identity, reason });
}

/** Sidecars serve the main containers, and end with them. */
function endSidecars(pod: ObservedPod, version: Version, context: PlanContext): Draft {
  if (!pod.containers.some((container) => container.state !== 'exited')) return nothing;
  const graceMs = version.workload.pod.terminationGracePeriodSeconds * 1_000;
  const stop: Step = {
    kind: 'stop-pod',
    workload: pod.key,
    pod: pod.id,
    graceMs,
    reason: 'its containers have completed',
  };
  return unlessRemovalFailed(pod.key, context, steps(stop));
}

function keepContainer(
  pod: ObservedPod,
  { container, role }: OrderedContainer,
  version: Version,
  context: PlanContext,
): Draft {
  const found = findContainer(pod, container.name);
  if (!found) return steps(startContainer(pod.key, pod.id, version, container.name, 'it is missing'));
  if (found.state === 'exited') return restart(pod, found, { role, version, context });
  const upkeep = combine(resume(pod, found, version), restoreLimits(pod, found, container, version));
  return role === 'init' ? combine(upkeep, waiting(pod.key, `init container ${container.name} runs`, null)) : upkeep;
}

function resume(pod: ObservedPod, { name, state }: PodContainer, version: Version): Draft {
  if (state !== 'paused') return nothing;
  return steps({
    kind: 'resume-container',
    workload: pod.key,
    pod: pod.id,
    identity: version.identity,
    container: name,
    reason: 'somebody paused it',
  });
}

function restoreLimits(pod: ObservedPod, found: PodContainer, container: Container, version: Version): Draft {
  const limits = limitsOf(container);
  if (sameLimits(found.applied, limits) && (found.kernel === null || sameLimits(found.kernel, found.expected)))
    return nothing;
  const reason = sameLimits(found.applied, limits)
    ? 'the kernel has other limits than were set'
    : 'limits changed in Git';
  return steps({
    kind: 'update-limits',
    workload: pod.key,
    pod: pod.id,
    identity: version.identity,
    container: container.name,
    limits,
    reason,
  });
}

interface Ended {
  readonly role: Role;
  readonly version: Version;
  readonly context: PlanContext;
}

function restart(pod: ObservedPod, container: PodContainer, { role, version, context }: Ended): Draft {
  if (isComplete(container, role, version)) return nothing;
  if (role === 'init' && version.workload.pod.restartPolicy === 'Never') return initFailed(pod, container);
  const ended = describeExit(container);
  const next = nextRestart(container);
  if (next.at > context.now)
    return waiting(pod.key, `container ${container.name} ${ended}; restarting with back-off`, next.at);
  return steps({
    kind: 'start-container',
    workload: pod.key,
    pod: pod.id,
    identity: version.identity,
    container: container.name,
    restarts: container.restarts + 1,
    crashes: next.crashes,
    reason: `it ${ended}`,
  });
}

/** With restartPolicy Never a failed init container is the end of the pod, as in Kubernetes. */
function initFailed(pod: ObservedPod, container: PodContainer): Draft {
  const reason = `init container ${container.name} ${describeExit(container)}, and restartPolicy is Never`;
  return blocked({ workload: pod.key, cause: 'step', reason, findings: [], failure: null });
}

function startContainer(key: string, pod: string, version: Version, container: string, reason: string): Step {
  return {
    kind: 'start-container',
    workload: key,
    pod,
    identity: version.identity,
    container,
    restarts: 0,
    crashes: 0,
    reason,
  };
}

/** @returns how a container ended, for people: `exited with status 1`, `was killed by SIGKILL`, `ran out of memory`. */
export function describeExit(container: Pick<PodContainer, 'exit'>): string {
  const { exit } = container;
  if (!exit || exit.lost) return 'ended unseen';
  if (exit.oomKilled) return 'ran out of memory';
  return exit.signal === null ? `exited with status ${exit.code}` : `was killed by ${exit.signal}`;
}
