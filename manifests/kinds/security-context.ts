import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { capabilityList } from './capabilities.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { appArmorProfile, seccompProfile, seLinuxOptions } from './profiles.ts';
import { sysctls } from './sysctls.ts';

/** A user or group id as Kubernetes has them. */
const id = z.int().min(0).max(2_147_483_647);

/** What pod and container have in common. */
const shared = {
  runAsUser: id.optional(),
  runAsGroup: id.optional(),
  runAsNonRoot: z.boolean().optional(),
  seccompProfile: seccompProfile.optional(),
  appArmorProfile: appArmorProfile.optional(),
  seLinuxOptions: seLinuxOptions.optional(),
};

/** Pod-level security context as written. */
export const podSecurityContext = strictFields(
  {
    ...shared,
    supplementalGroups: z.array(id).optional(),
    supplementalGroupsPolicy: z.enum(['Merge', 'Strict']).optional(),
    fsGroup: id.optional(),
    fsGroupChangePolicy: z.enum(['Always', 'OnRootMismatch']).optional(),
    sysctls: sysctls.optional(),
  },
  UNSUPPORTED.podSecurityContext,
);

/** Container-level security context as written. */
export const securityContext = strictFields(
  {
    ...shared,
    privileged: z.boolean().optional(),
    allowPrivilegeEscalation: z.boolean().optional(),
    readOnlyRootFilesystem: z.boolean().optional(),
    procMount: z.enum(['Default', 'Unmasked']).optional(),
    capabilities: strictFields({ add: capabilityList.optional(), drop: capabilityList.optional() }, []).optional(),
  },
  UNSUPPORTED.securityContext,
).superRefine((written, context) => {
  if (written.privileged && written.allowPrivilegeEscalation === false) {
    const message = 'cannot be false for a privileged container; remove one of the two';
    context.addIssue({ code: 'custom', path: ['allowPrivilegeEscalation'], message });
  }
});

/** Pod-level security context as written. */
export type PodSecurityContext = z.output<typeof podSecurityContext>;

/** Container-level security context as written. */
export type ContainerSecurityContext = z.output<typeof securityContext>;
