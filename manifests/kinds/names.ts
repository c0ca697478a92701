import * as z from 'zod';

/** Name of a workload, container, volume or namespace: an RFC 1123 label. */
export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, {
    error: 'must be lower-case letters, digits and `-`, beginning and ending with a letter or digit (RFC 1123 label)',
  })
  .max(63);

/** Name of anything but a workload: an RFC 1123 subdomain. */
export const dnsSubdomain = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, {
    error: 'must be lower-case letters, digits, `-` and `.`, each part beginning and ending with a letter or digit',
  })
  .max(253);

/** A label's key. */
export const labelKey = z.string().superRefine((key, context) => {
  const problem = labelKeyProblem(key);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

/** A label's value. */
export const labelValue = z.string().superRefine((value, context) => {
  const problem = labelValueProblem(value);
  if (problem) context.addIssue({ code: 'custom', message: problem });
});

/** Labels or a node selector: keys and values in Kubernetes' label syntax. */
export const labelMap = z.record(z.string(), z.string()).superRefine((labels, context) => {
  for (const [key, value] of Object.entries(labels)) {
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    if (problem) context.addIssue({ code: 'custom', path: [key], message: problem });
  }
});

const ANNOTATIONS_BYTES = 256 * 1024;

/** Annotations: keys in label syntax, any text as value, 256 KiB in all. */
export const annotationMap = z.record(z.string(), z.string()).superRefine((annotations, context) => {
  for (const key of Object.keys(annotations)) {
    const problem = labelKeyProblem(key);
    if (problem) context.addIssue({ code: 'custom', path: [key], message: problem });
  }
  const bytes = new TextEncoder().encode(Object.entries(annotations).flat().join('')).length;
  if (bytes > ANNOTATIONS_BYTES) {
    context.addIssue({ code: 'custom', message: 'annotations must not be larger than 256 KiB together; shorten them' });
  }
});

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function labelKeyProblem(key: string): string | null {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (!NAME.test(name) || name.length > 63) {
    return 'key must be at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit';
  }
  if (slash < 0) return null;
  const prefix = key.slice(0, slash);
  return SUBDOMAIN.test(prefix) && prefix.length <= 253 ? null : 'key must have a DNS name before the `/`';
}

function labelValueProblem(value: string): string | null {
  if (value === '' || (NAME.test(value) && value.length <= 63)) return null;
  return 'value must be at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit';
}
