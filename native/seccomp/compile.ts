import { createHash } from 'node:crypto';
import { BackendError } from '../errors.ts';
import type { OciSeccomp, OciSyscallRule, SeccompAction, SeccompOperator } from '../oci.ts';
import { ARG_BYTES, addArchitecture, addRule, buildFilter, FILTER_PART, type FilterHandle } from './filter.ts';

const EPERM = 1;
const MAX_ERRNO = 4095;
const MAX_ARG_INDEX = 5;
const MAX_CACHED = 32;

const programs = new Map<string, Buffer>();
/** Spares the digest of a profile that is used again and again. */
const programsByProfile = new WeakMap<OciSeccomp, Buffer>();

/**
 * Compiles an OCI seccomp profile to the BPF program for this machine (`struct sock_filter[]`), with libseccomp.
 * Compiling takes milliseconds, so programs are kept by the profile's digest; do not write into the result.
 *
 * - A refusal (any action but ALLOW and LOG) of a call wins over an allowance of the same call.
 * - Comparisons of one rule must all hold; of several on the same argument, one of them.
 * - Names libseccomp does not know are passed over. Where the default action is an errno, calls it does not know
 *   give ENOSYS, so that programs newer than the profile fall back.
 * - Of the architectures only this machine's own (always) and its 32-bit companions are kept; calls of another give ENOSYS.
 *
 * @throws BackendError `invalid-spec` for a profile that cannot be compiled, or exceeds the kernel's 4096 instructions.
 */
export function compileSeccomp(profile: OciSeccomp): Buffer {
  const program = programsByProfile.get(profile) ?? programOf(profile);
  programsByProfile.set(profile, program);
  return program;
}

function programOf(profile: OciSeccomp): Buffer {
  const digest = digestOf(profile);
  const known = programs.get(digest);
  if (known !== undefined) return known;
  const program = buildFilter(actionOf(profile.defaultAction, profile.defaultErrnoRet), (filter) => {
    for (const name of architecturesOf(profile)) addArchitecture(filter, name);
    for (const rule of profile.syscalls) addSyscalls(filter, rule, profile);
  });
  const [oldest] = programs.keys();
  if (programs.size >= MAX_CACHED && oldest !== undefined) programs.delete(oldest);
  programs.set(digest, program);
  return program;
}

function digestOf(profile: OciSeccomp): string {
  const text = JSON.stringify(profile, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(text).digest('hex');
}

const COMPANIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  x64: { SCMP_ARCH_X86: 'x86', SCMP_ARCH_X32: 'x32' },
  arm64: { SCMP_ARCH_ARM: 'arm' },
};

function architecturesOf(profile: OciSeccomp): readonly string[] {
  const companions = COMPANIONS[process.arch] ?? {};
  return (profile.architectures ?? []).flatMap((name) => companions[name] ?? []);
}

function addSyscalls(filter: FilterHandle, rule: OciSyscallRule, profile: OciSeccomp): void {
  const action = actionOf(rule.action, rule.errnoRet);
  const alternatives = alternativesOf(rule.args ?? []);
  const isDefault = action === actionOf(profile.defaultAction, profile.defaultErrnoRet);
  if (isDefault && alternatives.every((comparisons) => comparisons.length === 0)) return;
  if (isDefault && isPermitting(rule.action)) return;
  const part = isPermitting(rule.action) ? FILTER_PART.decide : FILTER_PART.refuse;
  for (const syscall of rule.names) {
    for (const comparisons of alternatives) addRule(filter, { part, action, syscall, args: encode(comparisons, rule) });
  }
}

function isPermitting(action: SeccompAction): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

type Comparison = NonNullable<OciSyscallRule['args']>[number];

/** One rule compares an argument once. With an argument named twice, each comparison is a rule of its own, as other runtimes have it. */
function alternativesOf(args: readonly Comparison[]): readonly (readonly Comparison[])[] {
  const isRepeated = new Set(args.map((arg) => arg.index)).size < args.length;
  return isRepeated ? args.map((arg) => [arg]) : [args];
}

/** The kernel's SECCOMP_RET_* values (linux/seccomp.h). */
function actionOf(action: SeccompAction, errnoRet = EPERM): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return 0x7fff0000;
    case 'SCMP_ACT_LOG':
      return 0x7ffc0000;
    case 'SCMP_ACT_ERRNO':
      if (!Number.isInteger(errnoRet) || errnoRet < 0 || errnoRet > MAX_ERRNO) {
        throw invalid(`errnoRet ${errnoRet}: expected 0 to ${MAX_ERRNO}`);
      }
      return 0x00050000 + errnoRet;
    case 'SCMP_ACT_TRAP':
      return 0x00030000;
    case 'SCMP_ACT_KILL_THREAD':
      return 0;
    case 'SCMP_ACT_KILL_PROCESS':
      return 0x80000000;
    default:
      throw invalid(`action "${action satisfies never}" is not known`);
  }
}

/** `enum scmp_compare`. */
const OPERATORS: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

function encode(comparisons: readonly Comparison[], rule: OciSyscallRule): Buffer {
  const encoded = Buffer.alloc(comparisons.length * ARG_BYTES);
  comparisons.forEach(({ index, op, value, valueTwo = 0 }, position) => {
    const about = `argument ${index} of ${rule.names.join(', ')}`;
    const operator = OPERATORS[op];
    if (operator === undefined) throw invalid(`${about}: operator "${op}" is not known`);
    if (!Number.isInteger(index) || index < 0 || index > MAX_ARG_INDEX) throw invalid(`${about}: expected 0 to 5`);
    encoded.writeUInt32LE(index, position * ARG_BYTES);
    encoded.writeUInt32LE(operator, position * ARG_BYTES + 4);
    encoded.writeBigUInt64LE(unsigned64(value, about), position * ARG_BYTES + 8);
    encoded.writeBigUInt64LE(unsigned64(valueTwo, about), position * ARG_BYTES + 16);
  });
  return encoded;
}

function unsigned64(value: number | bigint, about: string): bigint {
  if (typeof value === 'bigint' ? value >= 0n && value < 2n ** 64n : Number.isSafeInteger(value) && value >= 0) {
    return BigInt(value);
  }
  throw invalid(`${about}: value ${value}: expected an unsigned 64-bit integer, a bigint above 2^53`);
}

function invalid(message: string): BackendError {
  return new BackendError('invalid-spec', 'seccomp profile', `seccomp profile: ${message}`);
}
