import type { AttributeUse } from './attributes.ts';

/** One span; it covers the time the named work takes. */
export interface SpanDefinition {
  readonly brief: string;
  readonly attributes: AttributeUse;
}

/** Every span Holdfast sends. */
export const spans = {
  'holdfast.reconcile': {
    brief: 'Take what the source has, and carry it out; parent of all below',
    attributes: {
      'cicd.pipeline.action.name': 'required',
      'vcs.ref.head.revision': 'optional',
    },
  },
  'holdfast.source.fetch': {
    brief: 'Fetch and verify the followed branch',
    attributes: {
      'vcs.ref.head.name': 'optional',
      'vcs.ref.head.revision': 'optional',
      'holdfast.source.outcome': 'optional',
    },
  },
  'holdfast.manifest.parse': {
    brief: 'Parse the manifests of a commit and select those of this node',
    attributes: { 'vcs.ref.head.revision': 'required', 'holdfast.manifest.count': 'optional' },
  },
  'holdfast.policy.evaluate': {
    brief: 'Ask the policies about one workload',
    attributes: { 'holdfast.workload.name': 'required', 'holdfast.policy.decision': 'optional' },
  },
  'holdfast.plan': {
    brief: 'Look at the node and compute the next safe steps',
    attributes: { 'vcs.ref.head.revision': 'required', 'holdfast.plan.steps': 'optional' },
  },
  'holdfast.apply': {
    brief: 'Run the steps of a plan',
    attributes: { 'vcs.ref.head.revision': 'required', 'holdfast.plan.steps': 'required' },
  },
  'holdfast.step': {
    brief: 'One step of a plan',
    attributes: {
      'holdfast.step.kind': 'required',
      'holdfast.workload.name': 'optional',
      'holdfast.step.outcome': 'optional',
    },
  },
  'holdfast.image.pull': {
    brief: 'Fetch an image and verify its digests',
    attributes: { 'container.image.name': 'required', 'oci.manifest.digest': 'optional' },
  },
  'holdfast.container.start': {
    brief: 'Start a container, until its program is executed',
    attributes: { 'container.id': 'required', 'container.name': 'required', 'holdfast.workload.name': 'optional' },
  },
  'holdfast.container.stop': {
    brief: 'Stop the containers of a pod, until no process is left of them',
    attributes: {
      'container.id': 'required',
      'holdfast.workload.name': 'optional',
    },
  },
} as const satisfies Readonly<Record<`holdfast.${string}`, SpanDefinition>>;
