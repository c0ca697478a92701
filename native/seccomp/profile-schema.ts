import * as z from 'zod';
import type { OciSeccomp, OciSyscallRule } from '../oci.ts';

/** What a rule of a profile may do (runtime-spec, config-linux.md#seccomp); `SCMP_ACT_KILL` is an older name. */
export const seccompActions = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRAP',
] as const;

/** How a rule of a profile may compare an argument (the same). */
export const seccompOperators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

const action = z.enum(seccompActions).transform((name) => (name === 'SCMP_ACT_KILL' ? 'SCMP_ACT_KILL_THREAD' : name));

const operator = z.enum(seccompOperators);

const errnoRet = z.int().min(0).max(4095).optional();
const argument = {
  index: z.int().min(0).max(5),
  value: z.number(),
  valueTwo: z.number().default(0),
  op: operator,
};

const rule = { names: z.array(z.string()).min(1), action, errnoRet };

const profile = {
  defaultAction: action,
  defaultErrnoRet: errnoRet,
  architectures: z.array(z.string()).nullish(),
  flags: z.array(z.string()).max(0, 'this runtime sets no flags of a filter: leave them out').nullish(),
  listenerPath: z.literal('', 'this runtime supports no listener: leave it out').optional(),
};

/**
 * A seccomp profile; fields nobody knows are passed over, as the specification asks of a runtime.
 * Actions that need somebody to watch (TRACE, NOTIFY) are refused, as are flags of the filter.
 */
export const seccomp = z
  .object({
    ...profile,
    syscalls: z.array(z.object({ ...rule, args: z.array(z.object(argument)).nullish() })).nullish(),
  })
  .transform(toSeccomp);

/** The same, that says nothing else: in a file of a person a field nobody knows is a slip, or asks for more than would hold. */
export const strictSeccomp = z
  .strictObject({
    ...profile,
    syscalls: z
      .array(
        z.strictObject({ ...rule, comment: z.string().optional(), args: z.array(z.strictObject(argument)).nullish() }),
      )
      .nullish(),
  })
  .transform(toSeccomp);

interface WrittenProfile {
  readonly defaultAction: z.output<typeof action>;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | null | undefined;
  readonly syscalls?:
    | readonly {
        readonly names: readonly string[];
        readonly action: z.output<typeof action>;
        readonly errnoRet?: number | undefined;
        readonly args?: NonNullable<OciSyscallRule['args']> | null | undefined;
      }[]
    | null
    | undefined;
}

function toSeccomp({ defaultAction, defaultErrnoRet, architectures, syscalls }: WrittenProfile): OciSeccomp {
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: architectures ?? [],
    syscalls: (syscalls ?? []).map((each) => ({
      names: each.names,
      action: each.action,
      ...(each.errnoRet === undefined ? {} : { errnoRet: each.errnoRet }),
      args: each.args ?? [],
    })),
  };
}
