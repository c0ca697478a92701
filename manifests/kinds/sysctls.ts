import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { quoted } from '../text/quoted.ts';
import { reportDuplicates } from './duplicates.ts';

const MOST_SYSCTLS = 256;
const LONGEST_VALUE = 1_024;

/** Whose parameters a sysctl is one of; null for the node's, which no pod may set. */
export function sysctlNamespace(name: string): 'ipc' | 'network' | null {
  if (/^(kernel\.(shm|msg)[a-z_]*|kernel\.sem|fs\.mqueue\.[a-z_]+)$/.test(name)) return 'ipc';
  return /^net(\.[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)+$/.test(name) ? 'network' : null;
}

const name = z.string().superRefine((written, context) => {
  if (sysctlNamespace(written) !== null) return;
  const message = written.includes('/')
    ? `${quoted(written)} must be written with dots, as in \`net.ipv4.ip_local_port_range\``
    : `${quoted(written)} is no parameter of a pod’s own; allowed are kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* and net.*`;
  context.addIssue({ code: 'custom', message });
});

const value = z
  .string()
  .max(LONGEST_VALUE)
  .regex(/^[^\n]*$/, { error: 'must be one line' });

/** Kernel parameters of the pod's own namespaces as written. */
export const sysctls = z
  .array(strictFields({ name, value }, []))
  .max(MOST_SYSCTLS)
  .superRefine((items, context) =>
    reportDuplicates(context, {
      what: 'sysctl',
      items,
      keyOf: (item) => item.name,
      stepsTo: (index) => [index, 'name'],
    }),
  );
