import type * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { parseBytes, parseCount, parseCpuMillis } from '../values/quantity.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { quantity } from './quantity-field.ts';

/** The extended resource that limits the number of processes and threads. */
export const PIDS_RESOURCE = 'holdfast.dev/pids';
/** The extended resource that lets a container swap: nothing swaps without it. */
export const SWAP_RESOURCE = 'holdfast.dev/swap';
/** The extended resource above which the kernel takes memory back and slows the container down. */
export const MEMORY_HIGH_RESOURCE = 'holdfast.dev/memory-high';
/** The extended resource that says how a container shares the disks, from 10 to 1000. */
export const IO_WEIGHT_RESOURCE = 'holdfast.dev/io-weight';

/** Linux cannot have more. */
const MOST_PIDS = 4_194_304;

/** Huge pages by the name of their resource, in bytes. */
const HUGE_PAGES = { 'hugepages-2Mi': 2 ** 21, 'hugepages-1Gi': 2 ** 30 } as const;
type HugePages = keyof typeof HUGE_PAGES;

function hugePages(name: HugePages): z.ZodType<number> {
  return quantity((text) => {
    const bytes = parseBytes(text);
    const isPart = typeof bytes === 'number' && bytes % HUGE_PAGES[name] !== 0;
    return isPart ? `must be whole pages, a multiple of \`${name.slice('hugepages-'.length)}\`` : bytes;
  }, 0);
}

const hugePageFields = {
  'hugepages-2Mi': hugePages('hugepages-2Mi').optional(),
  'hugepages-1Gi': hugePages('hugepages-1Gi').optional(),
};

const ioWeight = quantity((text) => {
  const weight = parseCount(text);
  return typeof weight === 'number' && (weight < 10 || weight > 1_000) ? 'must be from 10 to 1000' : weight;
}, 1);

const requests = strictFields(
  {
    cpu: quantity(parseCpuMillis, 0).optional(),
    memory: quantity(parseBytes, 0).optional(),
    ...hugePageFields,
    [IO_WEIGHT_RESOURCE]: ioWeight.optional(),
  },
  [...UNSUPPORTED.resourceNames, PIDS_RESOURCE, SWAP_RESOURCE, MEMORY_HIGH_RESOURCE],
);

const pids = quantity((text) => {
  const count = parseCount(text);
  return typeof count === 'number' && count > MOST_PIDS ? `must be at most ${MOST_PIDS}` : count;
}, 1);

const limits = strictFields(
  {
    cpu: quantity(parseCpuMillis, 1).optional(),
    memory: quantity(parseBytes, 1).optional(),
    ...hugePageFields,
    [PIDS_RESOURCE]: pids.optional(),
    [SWAP_RESOURCE]: quantity(parseBytes, 0).optional(),
    [MEMORY_HIGH_RESOURCE]: quantity(parseBytes, 1).optional(),
  },
  [...UNSUPPORTED.resourceNames, IO_WEIGHT_RESOURCE],
);

/** Container resources as written, in thousandths of a CPU, bytes, and processes. */
export const resources = strictFields(
  { requests: requests.optional(), limits: limits.optional() },
  UNSUPPORTED.resources,
).superRefine((written, context) => {
  const report = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
  for (const name of ['cpu', 'memory'] as const) {
    const request = written.requests?.[name];
    const limit = written.limits?.[name];
    if (request === undefined || limit === undefined || request <= limit) continue;
    report(['requests', name], `the ${name} request is above the limit; lower it, or raise the limit`);
  }
  for (const name of Object.keys(HUGE_PAGES) as HugePages[]) {
    const request = written.requests?.[name];
    if (request === undefined || request === written.limits?.[name]) continue;
    report(['requests', name], 'must equal the limit: huge pages are not shared; write the limit alone');
  }
  const { memory } = written.limits ?? {};
  const high = written.limits?.[MEMORY_HIGH_RESOURCE];
  if (high !== undefined && memory !== undefined && high > memory) {
    report(['limits', MEMORY_HIGH_RESOURCE], 'is above the memory limit; lower it');
  }
  if (written.limits?.[SWAP_RESOURCE] !== undefined && memory === undefined) {
    report(['limits', SWAP_RESOURCE], 'needs a memory limit beside it; add `memory`');
  }
});

/** Container resources as written. */
export type Resources = z.output<typeof resources>;
