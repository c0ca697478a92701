import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { reportLimitAnnotations } from './limit-annotations.ts';
import { metadata } from './metadata.ts';
import { checkNetworks } from './pod-network.ts';
import { networkUse, podSpec } from './pod-spec.ts';

/** `v1 Pod` as written. */
export const pod = strictFields(
  { apiVersion: z.literal('v1'), kind: z.literal('Pod'), metadata, spec: podSpec },
  UNSUPPORTED.document,
).superRefine((written, context) => {
  const { annotations } = written.metadata;
  checkNetworks({ annotations, ...networkUse(written.spec) }, ['metadata'], context);
  reportLimitAnnotations(written, context, []);
});

/** `v1 Pod` as written. */
export type WrittenPod = z.output<typeof pod>;
