import * as z from 'zod';
import type { OciSeccomp } from '../../oci.ts';

const action = z
  .enum([
    'SCMP_ACT_ALLOW',
    'SCMP_ACT_ERRNO',
    'SCMP_ACT_KILL',
    'SCMP_ACT_KILL_PROCESS',
    'SCMP_ACT_KILL_THREAD',
    'SCMP_ACT_LOG',
    'SCMP_ACT_TRAP',
  ])
  .transform((name) => (name === 'SCMP_ACT_KILL' ? 'SCMP_ACT_KILL_THREAD' : name));

const operator = z.enum([
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]);

const errnoRet = z.int().min(0).max(4095).optional();
const argument = z.object({
  index: z.int().min(0).max(5),
  value: z.number(),
  valueTwo: z.number().default(0),
  op: operator,
});
const rule = z.object({ names: z.array(z.string()).min(1), action, errnoRet, args: z.array(argument).nullish() });

/** A seccomp profile. Actions that need somebody to watch (TRACE, NOTIFY) are refused, as are flags of the filter. */
export const seccomp = z
  .object({
    defaultAction: action,
    defaultErrnoRet: errnoRet,
    architectures: z.array(z.string()).nullish(),
    flags: z.array(z.string()).max(0, 'this runtime sets no flags of a filter: leave them out').nullish(),
    listenerPath: z.literal('', 'this runtime supports no listener: leave it out').optional(),
    syscalls: z.array(rule).nullish(),
  })
  .transform(
    (profile): OciSeccomp => ({
      defaultAction: profile.defaultAction,
      ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
      architectures: profile.architectures ?? [],
      syscalls: (profile.syscalls ?? []).map((each) => ({
        names: each.names,
        action: each.action,
        ...(each.errnoRet === undefined ? {} : { errnoRet: each.errnoRet }),
        args: each.args ?? [],
      })),
    }),
  );
