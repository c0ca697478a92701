import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { checkLimitAnnotations, reportLimitAnnotations } from './limit-annotations.ts';
import { metadata, templateMetadata } from './metadata.ts';
import { labelMap } from './names.ts';
import { checkNetworks } from './pod-network.ts';
import { networkUse, podSpec } from './pod-spec.ts';
import { strategy } from './strategy.ts';

/** More pods of one workload on one node would be a slip. */
const MOST_REPLICAS = 1_000;
const LONGEST_READY_SECONDS = 24 * 60 * 60;

const spec = strictFields(
  {
    replicas: z.int().min(0).max(MOST_REPLICAS).optional(),
    selector: strictFields({ matchLabels: labelMap }, UNSUPPORTED.labelSelector),
    strategy: strategy.optional(),
    minReadySeconds: z.int().min(0).max(LONGEST_READY_SECONDS).optional(),
    template: strictFields({ metadata: templateMetadata, spec: podSpec }, []),
  },
  UNSUPPORTED.deploymentSpec,
).superRefine(({ selector, template }, context) => {
  const { labels = {} } = template.metadata;
  const selected = Object.entries(selector.matchLabels);
  if (selected.length === 0) {
    const message = 'selects nothing; write the labels of the template';
    context.addIssue({ code: 'custom', path: ['selector', 'matchLabels'], message });
  }
  for (const [key, value] of selected) {
    if (Object.hasOwn(labels, key) && labels[key] === value) continue;
    const message = `the template has no label ${quoted(`${key}: ${value}`)}; selector and template labels must match`;
    context.addIssue({ code: 'custom', path: ['selector', 'matchLabels', key], message });
  }
  if (template.spec.restartPolicy !== undefined && template.spec.restartPolicy !== 'Always') {
    const message = 'must be `Always` in a Deployment; remove it, or write a Pod';
    context.addIssue({ code: 'custom', path: ['template', 'spec', 'restartPolicy'], message });
  }
});

/** `apps/v1 Deployment` as written. */
export const deployment = strictFields(
  { apiVersion: z.literal('apps/v1'), kind: z.literal('Deployment'), metadata, spec },
  UNSUPPORTED.document,
).superRefine((written, context) => {
  checkLimitAnnotations(written.metadata.annotations ?? {}, null, (key, message) =>
    context.addIssue({ code: 'custom', path: ['metadata', 'annotations', key], message }),
  );
  reportLimitAnnotations(written.spec.template, context, ['spec', 'template']);
  const { template } = written.spec;
  const use = networkUse(template.spec);
  checkNetworks({ annotations: written.metadata.annotations, ...use }, ['metadata'], context);
  checkNetworks({ annotations: template.metadata.annotations, ...use }, ['spec', 'template', 'metadata'], context);
  if ((written.spec.replicas ?? 1) < 2 || use.ports.every(({ hostPort }) => hostPort === undefined)) return;
  const message = 'must be at most 1 for pods with a `hostPort`, which one pod of a node can have; lower it';
  context.addIssue({ code: 'custom', path: ['spec', 'replicas'], message });
});

/** `apps/v1 Deployment` as written. */
export type WrittenDeployment = z.output<typeof deployment>;
