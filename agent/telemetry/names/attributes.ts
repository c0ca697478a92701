import type { Condition, ConditionType, WorkloadState } from '../../../manifests/index.ts';
import type { LimitEvent } from '../../../native/index.ts';

/** A plain type, or a closed set of strings. */
export type AttributeType = 'string' | 'int' | readonly string[];

/** One attribute, whatever signal carries it. */
export interface AttributeDefinition {
  readonly type: AttributeType;
  readonly brief: string;
}

const workloadStates = ['Ready', 'Progressing', 'Blocked', 'Failed'] as const satisfies readonly WorkloadState[];

/** Every attribute Holdfast sends. Names without the prefix `holdfast.` are of the semantic conventions (1.44). */
export const attributes = {
  'cicd.pipeline.action.name': { type: ['SYNC'], brief: 'What the run does' },
  'container.id': { type: 'string', brief: 'Sandbox and container name on the node' },
  'container.image.name': { type: 'string', brief: 'Image reference as written in the manifest' },
  'container.name': { type: 'string', brief: 'Container name in the manifest' },
  'error.type': { type: 'string', brief: 'Closed error code of the part that failed' },
  'oci.manifest.digest': { type: 'string', brief: 'Digest the image reference was resolved to' },
  'security_rule.name': { type: 'string', brief: 'Policy rule, such as `no-root`' },
  'security_rule.ruleset.name': { type: 'string', brief: 'Policy the rule belongs to, such as `baseline`' },
  'vcs.ref.head.name': { type: 'string', brief: 'Branch or tag that is followed' },
  'vcs.ref.head.revision': { type: 'string', brief: 'Full commit id' },
  'holdfast.drift.action': { type: ['healed', 'reported', 'frozen'], brief: 'What is done about the difference' },
  'holdfast.drift.desired': { type: 'string', brief: 'Value that Git wants; never a secret' },
  'holdfast.drift.field': { type: 'string', brief: 'What differs, such as `limits.memoryBytes`' },
  'holdfast.drift.observed': { type: 'string', brief: 'Value found on the node; never a secret' },
  'holdfast.failure.kind': { type: ['transient', 'waiting', 'stalled'], brief: 'Whether it may pass by itself' },
  'holdfast.failure.reason': { type: 'string', brief: 'What went wrong and what to do, for people' },
  'holdfast.finding.message': { type: 'string', brief: 'What the rule objects to and what to do' },
  'holdfast.finding.path': { type: 'string', brief: 'Field path in the manifest' },
  'holdfast.finding.severity': { type: ['deny', 'warn'], brief: 'Weight of the finding' },
  'holdfast.limit.count': { type: 'int', brief: 'How often since the last such event' },
  'holdfast.limit.kind': {
    type: ['memory-high', 'memory-max', 'oom-kill', 'pids-max', 'cpu-throttled'] satisfies LimitEvent['kind'][],
    brief: 'Which limit: slowed down, about to exceed memory, a process killed, a fork refused, periods held back',
  },
  'holdfast.manifest.count': { type: 'int', brief: 'Manifest files of the commit' },
  'holdfast.manifest.file': { type: 'string', brief: 'Manifest file within the repository' },
  'holdfast.manifest.line': { type: 'int', brief: 'Line in the manifest file, from 1' },
  'holdfast.node.condition.status': {
    type: ['True', 'False', 'Unknown'] satisfies Condition['status'][],
    brief: 'Value of the condition',
  },
  'holdfast.node.condition.type': {
    type: ['Ready', 'Synced', 'Stalled', 'PolicyCompliant', 'SourceReachable', 'Degraded'] satisfies ConditionType[],
    brief: 'Condition of the node',
  },
  'holdfast.plan.steps': { type: 'int', brief: 'Steps in the plan' },
  'holdfast.policy.decision': { type: ['allow', 'warn', 'deny'], brief: 'Verdict of the policies' },
  'holdfast.reconcile.outcome': {
    type: ['converged', 'progressing', 'failed'],
    brief: 'How the run ended: nothing left to do, more to come, or an error',
  },
  'holdfast.source.outcome': { type: ['unchanged', 'changed', 'failed'], brief: 'What the fetch brought' },
  'holdfast.source.revision.previous': { type: 'string', brief: 'Commit accepted before' },
  'holdfast.source.signer': { type: 'string', brief: 'Principal whose signature verified' },
  'holdfast.step.kind': { type: 'string', brief: 'Kind of the plan step' },
  'holdfast.step.outcome': { type: ['done', 'failed'], brief: 'How the step ended' },
  'holdfast.workload.name': { type: 'string', brief: 'Workload key, `namespace/name`' },
  'holdfast.workload.previous_state': {
    type: workloadStates,
    brief: 'State before the change',
  },
  'holdfast.workload.state': {
    type: workloadStates,
    brief: 'Where the workload is on its way to what Git wants',
  },
} as const satisfies Readonly<Record<string, AttributeDefinition>>;

/** Which attributes a signal carries. `optional` attributes may be set later, while the span runs, or left out. */
export type AttributeUse = Readonly<Partial<Record<keyof typeof attributes, 'required' | 'optional'>>>;
