import * as z from 'zod';
import { parseNumberList } from '../../cgroup/number-list.ts';

/** SCHED_* of sched_setattr(2). */
const POLICIES = { OTHER: 0, FIFO: 1, RR: 2, BATCH: 3, IDLE: 5, DEADLINE: 6 } as const;
/** SCHED_FLAG_* of linux/sched.h. */
const FLAGS = {
  RESET_ON_FORK: 0x01,
  RECLAIM: 0x02,
  DL_OVERRUN: 0x04,
  KEEP_POLICY: 0x08,
  KEEP_PARAMS: 0x10,
  UTIL_CLAMP_MIN: 0x20,
  UTIL_CLAMP_MAX: 0x40,
} as const;
/** IOPRIO_CLASS_* of ioprio_set(2). */
const CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const CLASS_SHIFT = 13;

const keys = <T extends object>(names: T): (keyof T)[] => Object.keys(names) as (keyof T)[];
const whole = z.int().min(0);

/** `process.scheduler`, in the numbers of sched_setattr(2). */
export const scheduler = z
  .object({
    policy: z.enum(keys(POLICIES).map((name) => `SCHED_${name}` as const)),
    nice: z.int().min(-20).max(19).default(0),
    priority: z.int().min(0).max(99).default(0),
    flags: z.array(z.enum(keys(FLAGS).map((name) => `SCHED_FLAG_${name}` as const))).default([]),
    /** In nanoseconds. */
    runtime: whole.default(0),
    deadline: whole.default(0),
    period: whole.default(0),
  })
  .refine(
    ({ policy, nice }) => nice === 0 || ['SCHED_OTHER', 'SCHED_BATCH'].includes(policy),
    'nice is for SCHED_OTHER and SCHED_BATCH',
  )
  .refine(
    ({ policy, priority }) => priority > 0 === ['SCHED_FIFO', 'SCHED_RR'].includes(policy),
    'priority is for SCHED_FIFO and SCHED_RR, and they need one from 1 on',
  )
  .refine(
    ({ policy, runtime, deadline, period }) => policy === 'SCHED_DEADLINE' || runtime + deadline + period === 0,
    'runtime, deadline and period are for SCHED_DEADLINE',
  );

/** `process.ioPriority`. */
export const ioPriority = z.object({ class: z.enum(keys(CLASSES)), priority: z.int().min(0).max(7).default(0) });

const cpus = z
  .string()
  .refine((text) => text === '' || parseNumberList(text) !== null, 'expected a list such as 0-3,6');
/** `process.execCPUAffinity`: CPUs before and after the entry into the container's groups. */
export const cpuAffinity = z.object({ initial: cpus.default(''), final: cpus.default('') });

export type Scheduler = z.infer<typeof scheduler>;

/** @returns the number of a policy by its name. */
export function policyNumber(name: Scheduler['policy']): number {
  return POLICIES[name.slice('SCHED_'.length) as keyof typeof POLICIES];
}

/** @returns the flags as one number. */
export function schedulerFlags(names: Scheduler['flags']): bigint {
  const bits = names.map((name) => FLAGS[name.slice('SCHED_FLAG_'.length) as keyof typeof FLAGS]);
  return BigInt(bits.reduce<number>((all, bit) => all | bit, 0));
}

/** @returns the number by which ioprio_set(2) is called. */
export function ioPriorityNumber({ class: name, priority }: z.infer<typeof ioPriority>): number {
  return (CLASSES[name] << CLASS_SHIFT) | priority;
}

/** @returns a list of CPUs as the bits of sched_setaffinity(2), in words of 64; none for an empty list. */
export function cpuBits(list: string): Uint8Array {
  const numbers = list === '' ? [] : (parseNumberList(list) ?? []);
  const words = numbers.length === 0 ? 0 : Math.floor(Math.max(...numbers) / 64) + 1;
  const bits = new Uint8Array(words * 8);
  for (const cpu of numbers) bits[cpu >> 3] = (bits[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return bits;
}
