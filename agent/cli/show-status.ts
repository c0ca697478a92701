import { formatProblem, type NodeStatus, type WorkloadStatus } from '../../manifests/index.ts';
import { age, plain, table } from './print.ts';

/** @returns the status for people: the node, its conditions, its workloads, and what is in the way, with file and line. */
export function showStatus(status: NodeStatus): string {
  const revision =
    status.revision === null
      ? 'none yet'
      : `${status.revision.commit.slice(0, 12)} signed by ${status.revision.signer}`;
  const head = `node      ${status.node}\nversion   ${status.version}\nrevision  ${revision}\n`;
  const conditions = table(
    ['CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
    status.conditions.map(({ type, status: value, reason, message }) => [type, value, reason, message]),
  );
  const workloads = table(
    ['WORKLOAD', 'KIND', 'READY', 'STATE', 'REASON', 'MESSAGE'],
    status.workloads.map((workload) => [
      workload.key,
      workload.kind,
      `${workload.ready}/${workload.desired}`,
      workload.state,
      workload.reason,
      workload.message,
    ]),
  );
  return [
    head,
    refusal(status),
    conditions,
    workloads,
    addresses(status),
    ...status.workloads.map(findings),
    ...status.workloads.map(clamps),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** @returns one line for each container, like `kubectl get pods`. */
export function showContainers(status: NodeStatus, now: number): string {
  const rows = status.workloads.flatMap((workload) =>
    workload.pods.flatMap((pod) =>
      pod.containers.map((container) => [
        pod.id,
        container.name,
        container.state === 'Running' ? 'Running' : ending(container.exit),
        String(container.pid ?? '-'),
        String(container.restarts),
        container.startedAt === null ? '-' : age(container.startedAt, now),
        pod.addresses?.[0] ?? '-',
        pod.ports?.join(',') || '-',
        container.image,
      ]),
    ),
  );
  return table(['POD', 'CONTAINER', 'STATE', 'PID', 'RESTARTS', 'AGE', 'ADDRESS', 'PORTS', 'IMAGE'], rows);
}

function ending(exit: WorkloadStatus['pods'][number]['containers'][number]['exit']): string {
  if (exit === null || exit.lost) return 'Lost';
  if (exit.oomKilled) return 'OOMKilled';
  return exit.signal === null ? `Exited(${exit.code})` : `Killed(${exit.signal})`;
}

function refusal({ refused }: NodeStatus): string {
  if (refused === null) return '';
  const problems = refused.problems.map((problem) => `  ${formatProblem(problem)}\n`).join('');
  return `REFUSED   ${refused.commit.slice(0, 12)} ${refused.code}: ${plain(refused.message)}\n${problems}`;
}

/** Where the pods are on their networks, and the ports of the node that lead to them; those that are on none are left out. */
function addresses(status: NodeStatus): string {
  const rows = status.workloads.flatMap((workload) =>
    workload.pods
      .filter((pod) => (pod.addresses ?? []).length > 0)
      .map((pod) => [pod.id, pod.state, pod.addresses?.join(',') ?? '-', pod.ports?.join(',') || '-']),
  );
  return rows.length === 0 ? '' : table(['POD', 'STATE', 'ADDRESSES', 'PORTS'], rows);
}

/** What a container asked for and this node does not grant: it runs with less. */
function clamps(workload: WorkloadStatus): string {
  return workload.pods
    .flatMap((pod) => pod.containers.map(({ name, clamped = [] }) => ({ pod: pod.id, name, clamped })))
    .filter(({ clamped }) => clamped.length > 0)
    .map(
      ({ pod, name, clamped }) =>
        `WARN  ${workload.key}  ${pod}/${name}: this node grants less than asked for of ${clamped.join(', ')}\n`,
    )
    .join('');
}

function findings(workload: WorkloadStatus): string {
  return workload.findings
    .map(
      ({ severity, policy, rule, file, line, column, path, message }) =>
        `${severity.toUpperCase()}  ${workload.key}  ${policy}/${rule}\n  ${file}:${line}:${column}: ${path}: ${plain(message)}\n`,
    )
    .join('');
}
