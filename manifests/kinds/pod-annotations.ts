import type * as z from 'zod';
import { RLIMITS_ANNOTATION, readRlimits } from '../values/rlimits.ts';
import { annotationMap } from './names.ts';

/** Annotations that were once fields, by what they begin with, and the field that took their place. */
const REPLACED = [
  ['container.apparmor.security.beta.kubernetes.io/', 'securityContext.appArmorProfile'],
  ['container.seccomp.security.alpha.kubernetes.io/', 'securityContext.seccompProfile'],
  ['seccomp.security.alpha.kubernetes.io/', 'securityContext.seccompProfile'],
  ['security.alpha.kubernetes.io/sysctls', 'securityContext.sysctls'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'securityContext.sysctls'],
] as const;

/** Annotations of a workload or its pod template: those with a meaning are held to it. */
export const podAnnotations = annotationMap.superRefine(checkAnnotations);

function checkAnnotations(annotations: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const [key, value] of Object.entries(annotations)) {
    const replaced = REPLACED.find(([prefix]) => key.startsWith(prefix));
    if (replaced) {
      const message = `is no longer heeded, and what it asks for would not hold; write \`${replaced[1]}\` instead`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    const rlimits = key === RLIMITS_ANNOTATION ? readRlimits(value) : [];
    if (typeof rlimits === 'string') context.addIssue({ code: 'custom', path: [key], message: rlimits });
  }
}
