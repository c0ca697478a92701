import type { AttributeUse } from './attributes.ts';

/** One instrument. */
export interface MetricDefinition {
  readonly instrument: 'counter' | 'gauge' | 'histogram';
  /** UCUM. */
  readonly unit: string;
  readonly brief: string;
  readonly attributes: AttributeUse;
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/**
 * Every metric Holdfast sends. Attributes have few values, and a commit is never one of them,
 * so that a node keeps to about forty series.
 */
export const metrics = {
  'holdfast.reconcile.duration': {
    instrument: 'histogram',
    unit: 's',
    brief: 'Time of one run of the loop: a look at the node and the plan made from it',
    attributes: { 'holdfast.reconcile.outcome': 'required' },
    buckets: [0.01, 0.1, 0.5, 1, 5, 30, 120],
  },
  'holdfast.reconcile.runs': {
    instrument: 'counter',
    unit: '{run}',
    brief: 'Runs of the loop: looks at the node',
    attributes: { 'holdfast.reconcile.outcome': 'required' },
  },
  'holdfast.reconcile.last_success.time': {
    instrument: 'gauge',
    unit: 's',
    brief: 'When a run last ended without an error, seconds since the epoch',
    attributes: {},
  },
  'holdfast.source.fetch.duration': {
    instrument: 'histogram',
    unit: 's',
    brief: 'Time to fetch and verify the followed branch',
    attributes: { 'holdfast.source.outcome': 'required' },
    buckets: [0.05, 0.1, 0.5, 1, 5, 30],
  },
  'holdfast.drift.detections': {
    instrument: 'counter',
    unit: '{difference}',
    brief: 'Differences found between Git and the node',
    attributes: { 'holdfast.drift.field': 'required' },
  },
  'holdfast.drift.corrections': {
    instrument: 'counter',
    unit: '{difference}',
    brief: 'Differences healed',
    attributes: { 'holdfast.drift.field': 'required' },
  },
  'holdfast.drift.resources': {
    instrument: 'gauge',
    unit: '{workload}',
    brief: 'Workloads that differ from Git now',
    attributes: {},
  },
  'holdfast.policy.evaluations': {
    instrument: 'counter',
    unit: '{evaluation}',
    brief: 'Workloads the policies were asked about',
    attributes: { 'holdfast.policy.decision': 'required' },
  },
  'holdfast.policy.violations': {
    instrument: 'counter',
    unit: '{finding}',
    brief: 'Findings of severity deny',
    attributes: { 'security_rule.ruleset.name': 'required', 'security_rule.name': 'required' },
  },
  'holdfast.policy.evaluation.duration': {
    instrument: 'histogram',
    unit: 's',
    brief: 'Time to evaluate one workload',
    attributes: { 'holdfast.policy.decision': 'required' },
    buckets: [0.0001, 0.001, 0.01, 0.1, 1],
  },
  'holdfast.workload.count': {
    instrument: 'gauge',
    unit: '{workload}',
    brief: 'Workloads in each state; every state is set, zero included',
    attributes: { 'holdfast.workload.state': 'required' },
  },
  'holdfast.workload.restarts': {
    instrument: 'counter',
    unit: '{restart}',
    brief: 'Container restarts after the first start',
    attributes: { 'holdfast.workload.name': 'required' },
  },
  'holdfast.image.pull.duration': {
    instrument: 'histogram',
    unit: 's',
    brief: 'Time it took to make an image present: its missing layers fetched, unpacked and on disk',
    attributes: {},
    buckets: [0.5, 1, 5, 15, 60, 300, 1800],
  },
  'holdfast.image.pull.io': {
    instrument: 'counter',
    unit: 'By',
    brief: 'Bytes of image layers that came over the network',
    attributes: {},
  },
  'holdfast.image.pull.remaining': {
    instrument: 'gauge',
    unit: 'By',
    brief: 'Bytes that the pulls under way still need',
    attributes: {},
  },
  'holdfast.workload.limit.events': {
    instrument: 'counter',
    unit: '{event}',
    brief: 'Events `holdfast.workload.limit.reached`',
    attributes: { 'holdfast.workload.name': 'required' },
  },
  'holdfast.node.condition': {
    instrument: 'gauge',
    unit: '1',
    brief: '1 for the status a condition has, 0 for the others',
    attributes: { 'holdfast.node.condition.type': 'required', 'holdfast.node.condition.status': 'required' },
  },
} as const satisfies Readonly<Record<`holdfast.${string}`, MetricDefinition>>;
