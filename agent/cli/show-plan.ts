import type { Blocked, Plan, Step } from '../reconcile/plan.ts';
import { plain } from './print.ts';

/** @returns a plan for people: what will be done in which order, what waits, and what is in the way, with file and line. */
export function showPlan(plan: Plan): string {
  const lines = [
    `revision ${plan.revision.slice(0, 12)}: ${plan.steps.length} steps, ${plan.blocked.length} blocked, ${plan.unchanged.length} unchanged`,
    ...plan.steps.map((step) => `  ${step.kind.padEnd(16)} ${subject(step)}  (${step.reason})`),
    ...plan.waiting.map((entry) => `  ${'wait'.padEnd(16)} ${entry.workload}  (${entry.reason})`),
    ...plan.blocked.flatMap(showBlocked),
  ];
  return lines.map((line) => `${plain(line)}\n`).join('');
}

function subject(step: Step): string {
  switch (step.kind) {
    case 'pull-image':
      return step.reference;
    case 'start-container':
    case 'update-limits':
    case 'resume-container':
      return `${step.pod}/${step.container}`;
    case 'create-pod':
    case 'reconnect-pod':
    case 'write-files':
    case 'stop-pod':
    case 'remove-pod':
      return step.pod;
    case 'create-volume':
      return `${step.claim.namespace}/${step.claim.name}`;
    case 'remove-volume':
      return `${step.namespace}/${step.name}`;
    case 'remove-stranger':
      return step.id;
    case 'create-network':
      return `${step.network.name} ${step.network.subnet4}`;
    case 'remove-network':
      return step.name;
    case 'apply-traffic':
      return `${step.rules.guards.length} pods, ${step.rules.services.length} services`;
    default:
      return step satisfies never;
  }
}

function showBlocked(blocked: Blocked): readonly string[] {
  return [
    `  ${'BLOCKED'.padEnd(16)} ${blocked.workload}  (${blocked.reason})`,
    ...blocked.findings.map(
      ({ file, line, column, path, policy, rule, message }) =>
        `    ${file}:${line}:${column}: ${path}: ${policy}/${rule}: ${message}`,
    ),
  ];
}
