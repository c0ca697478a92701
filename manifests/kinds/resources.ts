import type * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { parseBytes, parseCount, parseCpuMillis } from '../values/quantity.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { quantity } from './quantity-field.ts';

/** The extended resource that limits the number of processes and threads. */
export const PIDS_RESOURCE = 'holdfast.dev/pids';

/** Linux cannot have more. */
const MOST_PIDS = 4_194_304;

const requests = strictFields(
  { cpu: quantity(parseCpuMillis, 0).optional(), memory: quantity(parseBytes, 0).optional() },
  [...UNSUPPORTED.resourceNames, PIDS_RESOURCE],
);

const pids = quantity((text) => {
  const count = parseCount(text);
  return typeof count === 'number' && count > MOST_PIDS ? `must be at most ${MOST_PIDS}` : count;
}, 1);

const limits = strictFields(
  {
    cpu: quantity(parseCpuMillis, 1).optional(),
    memory: quantity(parseBytes, 1).optional(),
    [PIDS_RESOURCE]: pids.optional(),
  },
  UNSUPPORTED.resourceNames,
);

/** Container resources as written, in thousandths of a CPU, bytes, and processes. */
export const resources = strictFields(
  { requests: requests.optional(), limits: limits.optional() },
  UNSUPPORTED.resources,
).superRefine((written, context) => {
  for (const name of ['cpu', 'memory'] as const) {
    const request = written.requests?.[name];
    const limit = written.limits?.[name];
    if (request === undefined || limit === undefined || request <= limit) continue;
    const message = `the ${name} request is above the limit; lower it, or raise the limit`;
    context.addIssue({ code: 'custom', path: ['requests', name], message });
  }
});

/** Container resources as written. */
export type Resources = z.output<typeof resources>;
