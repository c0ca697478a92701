import type { OciSeccomp, OciSyscallRule } from '../oci.ts';
import { ALLOWED_SYSCALLS } from './allowed-syscalls.ts';
import { REFUSED_SYSCALLS } from './refused-syscalls.ts';

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (linux/sched.h). */
const NAMESPACE_FLAGS = 0x7e020000;

/** Kernels cut these arguments to 32 bits, so the filter compares only those: more would be a way around it. */
const LOW_32_BITS = 0xffffffff;

/** PER_LINUX, PER_LINUX32, UNAME26 with each, and the question which it is (linux/personality.h). */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** PTRACE_ATTACH and PTRACE_SEIZE: what turns a tracer of its own children into one of others. */
const TRACING_OTHERS = [16, 0x4206];

/** TIOCSTI types into the terminal of whoever started the container (CVE-2017-5226); TIOCLINUX pastes into it. */
const TERMINAL_INJECTION = [0x5412, 0x541c];

/**
 * Socket families whose kernel code is reachable by everybody and used by almost nobody: AX25, NETROM, X25, ROSE, RDS,
 * LLC, TIPC, PHONET, CAIF, ALG, NFC, VSOCK (leads to the hypervisor, past every network policy), KCM, QIPCRTR.
 */
const REFUSED_FAMILIES = [3, 6, 9, 11, 21, 26, 30, 35, 37, 38, 39, 40, 41, 42];

/**
 * The profile of containers that choose none (Kubernetes `RuntimeDefault`): what is not listed is refused with EPERM,
 * what nobody knows yet with ENOSYS. 32-bit ARM programs run on 64-bit ARM nodes. 32-bit x86 programs need a profile
 * of their own: their `socketcall` is a way around the refused families, open to 64-bit programs too.
 */
export const defaultSeccomp: OciSeccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  syscalls: [
    { names: Object.values(ALLOWED_SYSCALLS).flat(), action: 'SCMP_ACT_ALLOW' },
    { names: Object.values(REFUSED_SYSCALLS).flat(), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: NAMESPACE_FLAGS, valueTwo: 0 }],
    },
    // The filter cannot see clone3's flags, which are in memory; told ENOSYS, libraries use clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ...PERSONALITIES.map((value) => when(['personality'], 0, value, { action: 'SCMP_ACT_ALLOW' })),
    ...TRACING_OTHERS.map((value) => when(['ptrace'], 0, value, { action: 'SCMP_ACT_ERRNO', errnoRet: EPERM })),
    ...TERMINAL_INJECTION.map((value) => when(['ioctl'], 1, value, { action: 'SCMP_ACT_ERRNO', errnoRet: EPERM })),
    ...REFUSED_FAMILIES.map((value) =>
      when(['socket', 'socketpair'], 0, value, { action: 'SCMP_ACT_ERRNO', errnoRet: EAFNOSUPPORT }),
    ),
  ],
};

function when(
  names: readonly string[],
  index: number,
  value: number,
  verdict: Pick<OciSyscallRule, 'action' | 'errnoRet'>,
): OciSyscallRule {
  return { names, ...verdict, args: [{ index, op: 'SCMP_CMP_MASKED_EQ', value: LOW_32_BITS, valueTwo: value }] };
}
