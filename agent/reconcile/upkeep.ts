import type { Container } from '../../manifests/index.ts';
import type { Limits } from '../../native/index.ts';
import { isComplete, nextRestart } from './availability.ts';
import { combine, type Draft, nothing, steps, waiting } from './draft.ts';
import type { Step } from './plan.ts';
import { podId } from './pod-id.ts';
import type { ObservedPod, PlanContext, PodContainer, Version } from './state.ts';

/** Makes a pod that is not there: its namespaces, then each container in the order of the manifest. */
export function createPod(version: Version, replica: number, reason: string): Draft {
  const { workload, identity } = version;
  const key = `${workload.namespace}/${workload.name}`;
  const pod = podId(workload, replica, identity);
  const create: Step = { kind: 'create-pod', workload: key, pod, identity, replica, reason };
  return steps(
    create,
    ...workload.pod.containers.map((container) => startContainer(key, pod, version, container.name, reason)),
  );
}

/** Keeps a pod as its version describes it: makes it anew when dead, starts what is missing or ended, restores limits. */
export function keepPod(pod: ObservedPod, version: Version, context: PlanContext): Draft {
  if (pod.state === 'dead') {
    const remove: Step = { kind: 'remove-pod', workload: pod.key, pod: pod.id, reason: 'its sandbox died' };
    return combine(steps(remove), createPod(version, pod.replica, 'its sandbox died'));
  }
  return combine(
    ...version.workload.pod.containers.map((container) => keepContainer(pod, container, version, context)),
  );
}

function keepContainer(pod: ObservedPod, container: Container, version: Version, context: PlanContext): Draft {
  const found = pod.containers.find((candidate) => candidate.name === container.name);
  if (!found) return steps(startContainer(pod.key, pod.id, version, container.name, 'it is missing'));
  if (found.state === 'exited') return restart(pod, found, version, context);
  return combine(resume(pod, found, version), restoreLimits(pod, found, container, version));
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
  const limits: Limits = container.resources.limits;
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
    limits: { memoryBytes: limits.memoryBytes, cpuMillis: limits.cpuMillis, pids: limits.pids },
    reason,
  });
}

function restart(pod: ObservedPod, container: PodContainer, version: Version, context: PlanContext): Draft {
  if (isComplete(container, version)) return nothing;
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

/** @returns whether two sets of limits ask the kernel for the same. */
export function sameLimits(a: Limits, b: Limits): boolean {
  return a.memoryBytes === b.memoryBytes && a.cpuMillis === b.cpuMillis && a.pids === b.pids;
}
