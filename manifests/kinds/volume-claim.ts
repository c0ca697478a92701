import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { parseBytes } from '../values/quantity.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { resourceMetadata } from './metadata.ts';
import { quantity } from './quantity-field.ts';

/** The one storage class there is: a directory of the node. */
export const STORAGE_CLASS = 'node-local';

/** The annotation that says what becomes of the data when the claim leaves Git. */
export const RECLAIM_ANNOTATION = 'holdfast.dev/reclaim-policy';

const OF_ONE_NODE = ['ReadWriteOnce', 'ReadWriteOncePod'] as const;

const accessMode = z.enum(OF_ONE_NODE, {
  error: ({ input }) =>
    input === 'ReadWriteMany' || input === 'ReadOnlyMany'
      ? 'a volume of one node cannot be shared by nodes; `ReadWriteOnce` lets all pods of a node use it'
      : undefined,
});

const spec = strictFields(
  {
    accessModes: z.array(accessMode).length(1),
    resources: strictFields({ requests: strictFields({ storage: quantity(parseBytes, 1) }, []) }, ['limits']),
    storageClassName: z.literal(STORAGE_CLASS).optional(),
    volumeMode: z.literal('Filesystem').optional(),
  },
  UNSUPPORTED.volumeClaimSpec,
);

/** `v1 PersistentVolumeClaim` as written. */
export const volumeClaim = strictFields(
  {
    apiVersion: z.literal('v1'),
    kind: z.literal('PersistentVolumeClaim'),
    metadata: resourceMetadata.superRefine(({ annotations = {} }, context) => {
      const policy = annotations[RECLAIM_ANNOTATION];
      if (policy === undefined || policy === 'Retain' || policy === 'Delete') return;
      const message = 'must be `Retain` or `Delete`';
      context.addIssue({ code: 'custom', path: ['annotations', RECLAIM_ANNOTATION], message });
    }),
    spec,
  },
  UNSUPPORTED.document,
);

/** `v1 PersistentVolumeClaim` as written. */
export type WrittenVolumeClaim = z.output<typeof volumeClaim>;
