import type * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { annotationMap, dnsLabel, dnsSubdomain, labelMap } from './names.ts';
import { podAnnotations } from './pod-annotations.ts';

/** ObjectMeta of a workload as written. The name is at most an RFC 1123 label, for it becomes the hostname. */
export const metadata = strictFields(
  {
    name: dnsLabel,
    namespace: dnsLabel.optional(),
    labels: labelMap.optional(),
    annotations: podAnnotations.optional(),
  },
  UNSUPPORTED.metadata,
);

/** ObjectMeta of anything but a workload as written. The name may have dots. */
export const resourceMetadata = strictFields(
  { ...metadata.shape, annotations: annotationMap.optional(), name: dnsSubdomain },
  UNSUPPORTED.metadata,
);

/** ObjectMeta of a pod template as written. */
export const templateMetadata = strictFields(
  { labels: labelMap.optional(), annotations: podAnnotations.optional() },
  UNSUPPORTED.templateMetadata,
);

/** What the metadata of a workload or resource says, before defaults. */
export type Metadata = z.output<typeof metadata>;
