import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { parseBytes, parseCpuMillis } from '../values/quantity.ts';
import { dnsLabel } from './names.ts';

const PLAIN_FIELDS = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName'];
const MAPS = ['metadata.labels', 'metadata.annotations'];
const ENTRY = /^metadata\.(?:labels|annotations)\['[^'\]]+'\]$/;

function fieldRef(allowed: readonly string[]): z.ZodType<{ readonly fieldPath: string }> {
  const fieldPath = z.string().refine((path) => allowed.includes(path) || ENTRY.test(path), {
    error: ({ input }) =>
      `${quoted(String(input))} is no field a pod is told; there are ${[...allowed, "metadata.labels['key']", "metadata.annotations['key']"].map(quoted).join(', ')}`,
  });
  return strictFields({ apiVersion: z.literal('v1').optional(), fieldPath }, []);
}

/** A field for a variable. */
export const envFieldRef = fieldRef(PLAIN_FIELDS);

/** A field for a file, which may hold many lines. */
export const fileFieldRef = fieldRef([...PLAIN_FIELDS, ...MAPS]);

/** What a divisor of CPUs is a number of. */
const THOUSANDTHS = 1_000;

/** A limit or request of a container; `divisor` is in its unit: thousandths of a CPU, or bytes. */
export const resourceFieldRef = strictFields(
  {
    containerName: dnsLabel.optional(),
    resource: z.enum(['limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']),
    divisor: z.union([z.string(), z.number()], { error: 'must be a quantity, such as `1m` or `1Mi`' }).optional(),
  },
  [],
).transform(({ divisor, ...written }, context) => {
  const isCpu = written.resource.endsWith('.cpu');
  if (divisor === undefined) return { ...written, divisor: isCpu ? THOUSANDTHS : 1 };
  const amount = isCpu ? parseCpuMillis(String(divisor)) : parseBytes(String(divisor));
  // Zero is what an API server writes for a divisor that was left out.
  if (typeof amount === 'number') return { ...written, divisor: amount === 0 ? (isCpu ? THOUSANDTHS : 1) : amount };
  context.addIssue({ code: 'custom', path: ['divisor'], message: amount });
  return z.NEVER;
});

/** A limit or request of a container, as written. */
export type WrittenResourceField = z.output<typeof resourceFieldRef>;
