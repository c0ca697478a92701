import * as z from 'zod';
import { hugePageBytes } from '../../cgroup/limits.ts';
import { parseNumberList } from '../../cgroup/number-list.ts';
import { refused } from './refused.ts';

const whole = z.number().refine((value) => Number.isInteger(value) && value >= 0, 'expected a whole number from 0');
/** Engines write null for what they do not ask for. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
const list = z
  .string()
  .refine((text) => text === '' || parseNumberList(text) !== null, 'expected a list such as 0-3,6')
  .transform((text) => (text === '' ? undefined : text));
/** 0 is for none, as engines have it. */
const weight = whole.refine((value) => value === 0 || (value >= 10 && value <= 1000), 'expected 10 to 1000');

const memory = z.object({
  limit: optional(z.int()),
  reservation: optional(z.int()),
  swap: optional(z.int()),
  kernel: optional(z.int()),
  kernelTCP: optional(z.int()),
  swappiness: optional(z.int().min(0).max(200)),
  disableOOMKiller: optional(z.boolean()),
  /** An update of ours always checks: more memory in use than the new limit allows refuses it. */
  useHierarchy: optional(z.boolean()),
  checkBeforeUpdate: optional(z.boolean()),
});

const cpu = z.object({
  shares: optional(whole),
  quota: optional(z.int()),
  burst: optional(whole),
  period: optional(whole),
  realtimeRuntime: optional(z.int()),
  realtimePeriod: optional(whole),
  cpus: optional(list),
  mems: optional(list),
  idle: optional(z.union([z.literal(0), z.literal(1)])),
});

const device = { major: whole, minor: whole };
const throttle = z.object({ ...device, rate: whole });
const throttles = optional(z.array(throttle));

const blockIO = z.object({
  weight: optional(weight),
  leafWeight: refused,
  weightDevice: optional(z.array(z.object({ ...device, weight: optional(weight), leafWeight: refused }))),
  throttleReadBpsDevice: throttles,
  throttleWriteBpsDevice: throttles,
  throttleReadIOPSDevice: throttles,
  throttleWriteIOPSDevice: throttles,
});

const pageSize = z.string().refine((size) => hugePageBytes(size) !== null, 'expected a size such as 2MB');

const network = z.object({
  classID: optional(z.int().min(0).max(0xffffffff)),
  priorities: optional(z.array(z.object({ name: z.string().regex(/^[^\s/]{1,15}$/), priority: whole }))),
});

/** Files of v2 controllers: never those of the group itself, with which processes are moved and trees are changed. */
const unified = z.record(
  z
    .string()
    .regex(/^(?:cpu|cpuset|hugetlb|io|memory|misc|pids|rdma)\.[A-Za-z0-9_.]+$/, 'expected a file of a v2 controller'),
  z.string().regex(/^[^\0]*$/),
);

const deviceRule = z.object({
  allow: z.boolean(),
  type: z
    .enum(['', 'a', 'c', 'b'])
    .nullish()
    .transform((type) => type || ('a' as const)),
  major: optional(z.int()),
  minor: optional(z.int()),
  access: z
    .string()
    .regex(/^[rwm]{0,3}$/)
    .nullish()
    .transform((access) => access || 'rwm'),
});

/**
 * What a bundle, or an update, may take of the node: every field is carried out or refused by name.
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#control-groups
 */
export const resourcesSchema = z.object({
  devices: optional(z.array(deviceRule)).transform((rules) => rules ?? []),
  memory: optional(memory),
  cpu: optional(cpu),
  pids: optional(z.object({ limit: z.int() })),
  blockIO: optional(blockIO),
  hugepageLimits: optional(z.array(z.object({ pageSize, limit: whole }))),
  network: optional(network),
  rdma: refused,
  unified: optional(unified),
});

export type BundleResources = Readonly<z.infer<typeof resourcesSchema>>;
export type DeviceRule = BundleResources['devices'][number];
