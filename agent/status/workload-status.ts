import {
  allContainers,
  type ContainerStatus,
  type PodStatus,
  type WorkloadState,
  type WorkloadStatus,
} from '../../manifests/index.ts';
import type { PortMap } from '../../native/index.ts';
import { availability } from '../reconcile/availability.ts';
import type { Plan } from '../reconcile/plan.ts';
import { findContainer, hasCompleted, isComplete, roleOf } from '../reconcile/start-order.ts';
import type { DesiredWorkload, ObservedPod, PlanContext, PodContainer, Version } from '../reconcile/state.ts';
import { describeExit } from '../reconcile/upkeep.ts';

type Verdict = Pick<WorkloadStatus, 'state' | 'reason' | 'message'>;

/** @returns where one workload is on its way, from what is wanted, what is there, and what the plan says. */
export function workloadStatus(
  desired: DesiredWorkload,
  pods: readonly ObservedPod[],
  plan: Plan,
  context: Pick<PlanContext, 'now' | 'settleMs'>,
): WorkloadStatus {
  const version = desired.wanted.state === 'judged' ? desired.wanted.version : null;
  const wantedPods = pods.filter((pod) => pod.key === desired.key && pod.identity === version?.identity);
  const ready =
    version === null
      ? 0
      : wantedPods.filter(
          (pod) => availability(pod, version, { ...context, history: {}, onViolation: 'report' }).available,
        ).length;
  const findings =
    desired.wanted.state === 'judged' && 'findings' in desired.wanted.verdict ? desired.wanted.verdict.findings : [];
  return {
    key: desired.key,
    kind: desired.workload.kind,
    desired: desired.workload.replicas,
    ready,
    ...progress(desired, wantedPods, plan, { ready, version }),
    findings,
    pods: pods.filter((pod) => pod.key === desired.key).map((pod) => podStatus(pod, knownVersion(pod, desired))),
  };
}

function progress(
  desired: DesiredWorkload,
  wantedPods: readonly ObservedPod[],
  plan: Plan,
  { ready, version }: { readonly ready: number; readonly version: Version | null },
): Verdict {
  const { key } = desired;
  const blocked = plan.blocked.find((entry) => entry.workload === key);
  if (blocked) {
    const [state, reason]: readonly [WorkloadState, string] =
      blocked.cause === 'policy'
        ? ['Blocked', 'PolicyDenied']
        : ['Failed', blocked.cause === 'image' ? 'ImageUnavailable' : 'StepFailed'];
    return { state, reason, message: `${blocked.reason}${fallback(desired, version)}` };
  }
  const trouble = version === null ? null : containerTrouble(wantedPods, version);
  if (trouble !== null) return trouble;
  const step = plan.steps.find((entry) => entry.workload === key);
  if (step) return { state: 'Progressing', reason: 'Applying', message: `${step.kind}: ${step.reason}` };
  const waiting = plan.waiting.find((entry) => entry.workload === key);
  if (waiting) return { state: 'Progressing', reason: 'Waiting', message: waiting.reason };
  const isReady = version !== null && ready >= version.workload.replicas;
  if (isReady)
    return { state: 'Ready', reason: 'Running', message: `${ready} of ${version.workload.replicas} pods run` };
  return { state: 'Progressing', reason: 'Applying', message: 'on its way' };
}

/** @returns what a container that ended and should not have ended like that makes of its workload. */
function containerTrouble(pods: readonly ObservedPod[], version: Version): Verdict | null {
  const matters = (pod: ObservedPod, { name }: PodContainer): boolean =>
    roleOf(version, name) === 'main' || !hasCompleted(pod, version);
  const ended = pods.flatMap((pod) =>
    pod.containers.filter((container) => container.state === 'exited' && matters(pod, container)),
  );
  const isOver = (container: PodContainer): boolean => isComplete(container, roleOf(version, container.name), version);
  const crashed = ended.find((container) => container.crashes > 0 && !isOver(container));
  if (crashed) {
    const message = `container ${crashed.name} ${describeExit(crashed)}, ${crashed.restarts} restarts`;
    return { state: 'Failed', reason: 'CrashLoop', message };
  }
  const lost = ended.find((container) => isOver(container) && container.exit?.code !== 0);
  if (!lost) return null;
  const message = `container ${lost.name} ${describeExit(lost)}, and is not restarted by restartPolicy ${version.workload.pod.restartPolicy}`;
  return { state: 'Failed', reason: 'ContainerFailed', message };
}

function fallback({ lastGood }: DesiredWorkload, wanted: Version | null): string {
  if (lastGood === null || lastGood.verdict.decision === 'deny' || lastGood.version.digest === wanted?.digest)
    return '';
  return `; the version of commit ${lastGood.version.revision.slice(0, 12)} runs on`;
}

function knownVersion(pod: ObservedPod, { wanted, lastGood }: DesiredWorkload): Version | null {
  if (wanted.state === 'judged' && wanted.version.identity === pod.identity) return wanted.version;
  return lastGood?.version.identity === pod.identity ? lastGood.version : null;
}

function podStatus(pod: ObservedPod, version: Version | null): PodStatus {
  return {
    id: pod.id,
    identity: pod.identity,
    state: podPhase(pod, version),
    addresses: (pod.addresses ?? []).flatMap(({ ipv4, ipv6 }) => (ipv6 === null ? [ipv4] : [ipv4, ipv6])),
    ports: (pod.ports ?? []).map(describePort),
    containers: pod.containers.map((container) => containerStatus(container, version)),
  };
}

function describePort({ hostIp, hostPort, containerPort, protocol }: PortMap): string {
  const host = hostIp?.includes(':') ? `[${hostIp}]` : (hostIp ?? '*');
  return `${host}:${hostPort}->${containerPort}/${protocol}`;
}

/** Kubernetes PodPhase. */
function podPhase(pod: ObservedPod, version: Version | null): PodStatus['state'] {
  if (pod.state === 'dead') return 'Failed';
  if (pod.containers.length === 0) return 'Pending';
  if (pod.containers.some((container) => container.state !== 'exited')) return 'Running';
  const isDone = version !== null && hasCompleted(pod, version);
  if (!isDone) return version?.workload.pod.restartPolicy === 'Always' ? 'Running' : 'Failed';
  const mains = version.workload.pod.containers.map(({ name }) => findContainer(pod, name));
  return mains.every((container) => container?.exit?.code === 0) ? 'Succeeded' : 'Failed';
}

function containerStatus(container: PodContainer, version: Version | null): ContainerStatus {
  const { name, state, pid, restarts, startedAt, exit, clamped } = container;
  return {
    name,
    image:
      version === null ? '' : (allContainers(version.workload.pod).find((entry) => entry.name === name)?.image ?? ''),
    state: state === 'exited' ? 'Terminated' : 'Running',
    pid,
    restarts,
    startedAt,
    exit,
    clamped,
  };
}
