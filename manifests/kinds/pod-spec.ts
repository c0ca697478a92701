import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { container, initContainer } from './container.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { dnsLabel, labelMap } from './names.ts';
import { checkPodSpec } from './pod-checks.ts';
import { dnsConfig, hostAlias } from './pod-network.ts';
import { podSecurityContext } from './security-context.ts';
import { volume } from './volume.ts';

/** More would be a slip. */
const MOST_CONTAINERS = 64;
const MOST_HOST_ALIASES = 64;
const LONGEST_GRACE_SECONDS = 24 * 60 * 60;

/** PodSpec as written. */
export const podSpec = strictFields(
  {
    initContainers: z.array(initContainer).max(MOST_CONTAINERS).optional(),
    containers: z.array(container).min(1).max(MOST_CONTAINERS),
    volumes: z.array(volume).optional(),
    nodeSelector: labelMap.optional(),
    restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).optional(),
    terminationGracePeriodSeconds: z.int().min(0).max(LONGEST_GRACE_SECONDS).optional(),
    hostNetwork: z.boolean().optional(),
    dnsPolicy: z.enum(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']).optional(),
    dnsConfig: dnsConfig.optional(),
    hostAliases: z.array(hostAlias).max(MOST_HOST_ALIASES).optional(),
    hostUsers: z.boolean().optional(),
    shareProcessNamespace: z.boolean().optional(),
    hostPID: z.boolean().optional(),
    hostIPC: z.boolean().optional(),
    hostname: dnsLabel.optional(),
    subdomain: dnsLabel.optional(),
    setHostnameAsFQDN: z.boolean().optional(),
    securityContext: podSecurityContext.optional(),
  },
  UNSUPPORTED.podSpec,
).superRefine(checkPodSpec);

/** PodSpec as written. */
export type PodSpec = z.output<typeof podSpec>;

/** @returns what of a pod spec decides which networks the pod may choose. */
export function networkUse({ hostNetwork, initContainers = [], containers }: PodSpec) {
  return { hostNetwork, ports: [...initContainers, ...containers].flatMap(({ ports = [] }) => ports) };
}
