import type * as z from 'zod';
import { nearest } from '../text/nearest.ts';
import { quoted } from '../text/quoted.ts';
import { RLIMITS_ANNOTATION, readRlimits } from '../values/rlimits.ts';
import { annotationMap } from './names.ts';
import { NETWORKS_ANNOTATION } from './pod-network.ts';

/** Annotations that were once fields, by what they begin with, and the field that took their place. */
const REPLACED = [
  ['container.apparmor.security.beta.kubernetes.io/', 'securityContext.appArmorProfile'],
  ['container.seccomp.security.alpha.kubernetes.io/', 'securityContext.seccompProfile'],
  ['seccomp.security.alpha.kubernetes.io/', 'securityContext.seccompProfile'],
  ['security.alpha.kubernetes.io/sysctls', 'securityContext.sysctls'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'securityContext.sysctls'],
] as const;

/** Ours: one that is nearly written so is a slip, and what it asks for would not hold. Others under the name are the fleet's. */
const PREFIX = 'holdfast.dev/';
const KNOWN = [NETWORKS_ANNOTATION, RLIMITS_ANNOTATION];
const NAMES = KNOWN.map((key) => key.slice(PREFIX.length));

/** Annotations of a workload or its pod template: those with a meaning are held to it. */
export const podAnnotations = annotationMap.superRefine(checkAnnotations);

function checkAnnotations(annotations: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const [key, value] of Object.entries(annotations)) {
    const replaced = REPLACED.find(([prefix]) => key.startsWith(prefix));
    if (replaced) {
      const message = `is no longer heeded, and what it asks for would not hold; write \`${replaced[1]}\` instead`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    const meant = key.startsWith(PREFIX) && !KNOWN.includes(key) ? nearest(key.slice(PREFIX.length), NAMES) : null;
    if (meant !== null) {
      const message = `means nothing to Holdfast; did you mean ${quoted(`${PREFIX}${meant}`)}?`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    const rlimits = key === RLIMITS_ANNOTATION ? readRlimits(value) : [];
    if (typeof rlimits === 'string') context.addIssue({ code: 'custom', path: [key], message: rlimits });
  }
}
