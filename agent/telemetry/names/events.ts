import type { AttributeUse } from './attributes.ts';

/** One event: a log record with an event name. */
export interface EventDefinition {
  readonly severity: 'INFO' | 'WARN' | 'ERROR';
  /** Sent as the body of the log record. */
  readonly brief: string;
  readonly attributes: AttributeUse;
}

/** Every event Holdfast sends. */
export const events = {
  'holdfast.source.revision.changed': {
    severity: 'INFO',
    brief: 'A new commit was verified and accepted',
    attributes: {
      'vcs.ref.head.revision': 'required',
      'holdfast.source.revision.previous': 'optional',
      'holdfast.source.signer': 'required',
    },
  },
  'holdfast.source.refused': {
    severity: 'ERROR',
    brief: 'The commit at the tip was refused; the accepted one stays',
    attributes: {
      'error.type': 'required',
      'holdfast.failure.reason': 'required',
      'vcs.ref.head.revision': 'optional',
    },
  },
  'holdfast.policy.denied': {
    severity: 'ERROR',
    brief: 'A policy denies a workload; it does not start',
    attributes: {
      'holdfast.workload.name': 'required',
      'vcs.ref.head.revision': 'required',
      'security_rule.name': 'optional',
      'security_rule.ruleset.name': 'optional',
    },
  },
  'holdfast.policy.violation': {
    severity: 'WARN',
    brief: 'One rule objects to one field',
    attributes: {
      'holdfast.workload.name': 'required',
      'vcs.ref.head.revision': 'required',
      'security_rule.name': 'required',
      'security_rule.ruleset.name': 'required',
      'holdfast.finding.message': 'required',
      'holdfast.finding.path': 'required',
      'holdfast.finding.severity': 'required',
      'holdfast.manifest.file': 'required',
      'holdfast.manifest.line': 'required',
    },
  },
  'holdfast.drift.detected': {
    severity: 'WARN',
    brief: 'The node differs from what Git wants',
    attributes: {
      'holdfast.drift.field': 'required',
      'holdfast.drift.action': 'required',
      'holdfast.workload.name': 'optional',
      'holdfast.drift.desired': 'optional',
      'holdfast.drift.observed': 'optional',
      'container.id': 'optional',
      'vcs.ref.head.revision': 'optional',
    },
  },
  'holdfast.drift.corrected': {
    severity: 'INFO',
    brief: 'A difference was healed',
    attributes: {
      'holdfast.drift.field': 'required',
      'holdfast.workload.name': 'optional',
      'holdfast.drift.desired': 'optional',
      'holdfast.drift.observed': 'optional',
      'container.id': 'optional',
      'vcs.ref.head.revision': 'optional',
    },
  },
  'holdfast.image.removed': {
    severity: 'INFO',
    brief: 'An image that nothing needed any more was removed from the disk',
    attributes: { 'oci.manifest.digest': 'required' },
  },
  'holdfast.reconcile.failed': {
    severity: 'ERROR',
    brief: 'A run of the loop failed where the one before did not',
    attributes: {
      'error.type': 'required',
      'holdfast.failure.kind': 'required',
      'holdfast.failure.reason': 'required',
      'holdfast.workload.name': 'optional',
      'vcs.ref.head.revision': 'optional',
    },
  },
  'holdfast.reconcile.recovered': {
    severity: 'INFO',
    brief: 'A run of the loop succeeded after failures',
    attributes: { 'holdfast.workload.name': 'optional', 'vcs.ref.head.revision': 'optional' },
  },
  'holdfast.workload.limit.reached': {
    severity: 'WARN',
    brief: 'A container met one of its limits for the first time in a minute; every kill for want of memory is told',
    attributes: {
      'holdfast.workload.name': 'required',
      'container.id': 'required',
      'holdfast.limit.kind': 'required',
      'holdfast.limit.count': 'required',
    },
  },
  'holdfast.workload.state.changed': {
    severity: 'INFO',
    brief: 'A workload changed its state',
    attributes: {
      'holdfast.workload.name': 'required',
      'holdfast.workload.state': 'required',
      'holdfast.workload.previous_state': 'optional',
      'holdfast.failure.reason': 'optional',
      'vcs.ref.head.revision': 'optional',
    },
  },
} as const satisfies Readonly<Record<`holdfast.${string}`, EventDefinition>>;
