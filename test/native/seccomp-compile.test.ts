import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OciSeccomp, OciSyscallRule } from '../../native/oci.ts';
import { compileSeccomp } from '../../native/seccomp/compile.ts';
import { buildSeccompProbe, type SeccompProbe } from './seccomp-probe.ts';

const ENOSYS = 38;
const BEYOND_EVERY_CALL = '4000';

let probe: SeccompProbe;

beforeAll(async () => {
  probe = await buildSeccompProbe();
});

afterAll(() => probe.remove());

/** What the probe itself needs. */
const NEEDED: OciSyscallRule = {
  names: ['write', 'exit_group', 'fstat', 'newfstatat', 'brk', 'lseek'],
  action: 'SCMP_ACT_ALLOW',
};

function denying(...syscalls: readonly OciSyscallRule[]): OciSeccomp {
  return { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [NEEDED, ...syscalls] };
}

function allowing(...syscalls: readonly OciSyscallRule[]): OciSeccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
}

function errnos(profile: OciSeccomp, ...calls: readonly string[]): Promise<readonly number[]> {
  return probe.errnosUnder(compileSeccomp(profile), calls);
}

describe('the default action', () => {
  test('refuses what no rule names, with EPERM or the errno asked for', async () => {
    expect(await errnos(denying(), 'getuid')).toEqual([1]);
    expect(await errnos({ ...denying(), defaultErrnoRet: 13 }, 'getuid', 'mkdir')).toEqual([13, 13]);
  });

  test('that is an errno is ENOSYS for calls nobody knows, on the 32-bit entry too', async () => {
    const profile = { ...denying(), defaultErrnoRet: 13, architectures: ['SCMP_ARCH_X86'] };
    expect(await errnos(profile, BEYOND_EVERY_CALL, 'getuid', `i386:${BEYOND_EVERY_CALL}`, 'i386:getuid')).toEqual([
      ENOSYS,
      13,
      ENOSYS,
      13,
    ]);
  });

  test('allows, where it allows, and leaves unknown calls to the kernel', async () => {
    expect(await errnos(allowing(), 'getuid', BEYOND_EVERY_CALL)).toEqual([0, ENOSYS]);
  });

  test('kills, where it kills', async () => {
    const profile: OciSeccomp = { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [NEEDED] };
    await expect(errnos(profile, 'getuid')).rejects.toMatchObject({ signal: 'SIGSYS' });
    await expect(errnos(profile, BEYOND_EVERY_CALL)).rejects.toMatchObject({ signal: 'SIGSYS' });
  });
});

describe('a rule', () => {
  test('refuses with EPERM or its errno', async () => {
    const profile = allowing(
      { names: ['getuid'], action: 'SCMP_ACT_ERRNO' },
      { names: ['getgid'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 },
    );
    expect(await errnos(profile, 'getuid', 'getgid', 'getpid')).toEqual([1, 95, 0]);
  });

  test('names a call libseccomp does not know: the others still count', async () => {
    expect(
      await errnos(denying({ names: ['no_such_call', 'getuid'], action: 'SCMP_ACT_ALLOW' }), 'getuid', 'getgid'),
    ).toEqual([0, 1]);
  });

  test('traps or kills', async () => {
    for (const action of ['SCMP_ACT_TRAP', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD'] as const) {
      await expect(errnos(allowing({ names: ['getuid'], action }), 'getuid')).rejects.toMatchObject({
        signal: 'SIGSYS',
      });
    }
  });

  test('that says the default action again changes nothing', async () => {
    expect(await errnos(denying({ names: ['getuid'], action: 'SCMP_ACT_ERRNO' }), 'getuid')).toEqual([1]);
    expect(await errnos(allowing({ names: ['getuid'], action: 'SCMP_ACT_ALLOW' }), 'getuid')).toEqual([0]);
  });

  test('that refuses wins over one that allows, with and without arguments', async () => {
    const allow: OciSyscallRule = { names: ['getuid'], action: 'SCMP_ACT_ALLOW' };
    const refuse: OciSyscallRule = {
      names: ['getuid'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 5,
      args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 7 }],
    };
    for (const rules of [
      [allow, refuse],
      [refuse, allow],
    ]) {
      expect(await errnos(denying(...rules), 'getuid,7', 'getuid,8')).toEqual([5, 0]);
    }
    const always: OciSyscallRule = { names: ['getuid'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 };
    for (const rules of [
      [allow, always],
      [always, allow],
    ])
      expect(await errnos(denying(...rules), 'getuid')).toEqual([5]);
  });
});

describe('arguments', () => {
  const when = (...args: NonNullable<OciSyscallRule['args']>): OciSeccomp =>
    denying({ names: ['getuid'], action: 'SCMP_ACT_ALLOW', args });

  test.each([
    ['SCMP_CMP_EQ', [1, 0, 1]],
    ['SCMP_CMP_NE', [0, 1, 0]],
    ['SCMP_CMP_LT', [0, 1, 1]],
    ['SCMP_CMP_LE', [0, 0, 1]],
    ['SCMP_CMP_GE', [1, 0, 0]],
    ['SCMP_CMP_GT', [1, 1, 0]],
  ] as const)('are compared with %s', async (op, expected) => {
    expect(await errnos(when({ index: 0, op, value: 5 }), 'getuid,4', 'getuid,5', 'getuid,6')).toEqual(expected);
  });

  test('are compared under a mask', async () => {
    const profile = when({ index: 1, op: 'SCMP_CMP_MASKED_EQ', value: 0xff, valueTwo: 0x12 });
    expect(await errnos(profile, 'getuid,0,0x12', 'getuid,0,0x3412', 'getuid,0,0x13')).toEqual([0, 0, 1]);
  });

  test('are compared in all 64 bits', async () => {
    const profile = when({ index: 5, op: 'SCMP_CMP_EQ', value: 0xffffffff00000001n });
    const call = (value: string): string => `getuid,0,0,0,0,0,${value}`;
    expect(await errnos(profile, call('0xffffffff00000001'), call('1'), call('0xfffffffe00000001'))).toEqual([0, 1, 1]);
  });

  test('must all match, but of several on one argument any', async () => {
    const both = when({ index: 0, op: 'SCMP_CMP_EQ', value: 1 }, { index: 1, op: 'SCMP_CMP_EQ', value: 2 });
    expect(await errnos(both, 'getuid,1,2', 'getuid,1,3', 'getuid,0,2')).toEqual([0, 1, 1]);
    const either = when({ index: 0, op: 'SCMP_CMP_EQ', value: 1 }, { index: 0, op: 'SCMP_CMP_EQ', value: 2 });
    expect(await errnos(either, 'getuid,1', 'getuid,2', 'getuid,3')).toEqual([0, 0, 1]);
  });

  test('that cannot be compared are an invalid profile', () => {
    const bad = [
      { index: 6, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 0.5, op: 'SCMP_CMP_EQ', value: 1 },
      { index: 0, op: 'SCMP_CMP_EQ', value: -1 },
      { index: 0, op: 'SCMP_CMP_EQ', value: 2 ** 60 },
      { index: 0, op: 'SCMP_CMP_EQ', value: 2n ** 64n },
      { index: 0, op: 'SCMP_CMP_LIKE' as 'SCMP_CMP_EQ', value: 1 },
    ] as const;
    for (const arg of bad)
      expect(() => compileSeccomp(when(arg))).toThrow(expect.objectContaining({ code: 'invalid-spec' }));
  });
});

describe('a profile', () => {
  test('without 32-bit architectures gives their calls ENOSYS, with them its own answer', async () => {
    const allow: OciSyscallRule = { names: ['getuid', 'getuid32'], action: 'SCMP_ACT_ALLOW' };
    expect(await errnos(denying(allow), 'getuid', 'i386:getuid', 'i386:getuid32', 'i386:getgid')).toEqual([
      0,
      ENOSYS,
      ENOSYS,
      ENOSYS,
    ]);
    const both = { ...denying(allow), architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_S390X'] };
    expect(await errnos(both, 'getuid', 'i386:getuid', 'i386:getuid32', 'i386:getgid')).toEqual([0, 0, 0, 1]);
  });

  test('compiled again is the same program from memory', () => {
    const profile = denying({ names: ['getuid'], action: 'SCMP_ACT_ALLOW' });
    expect(compileSeccomp(structuredClone(profile))).toBe(compileSeccomp(profile));
    expect(compileSeccomp({ ...profile, defaultErrnoRet: 2 })).not.toBe(compileSeccomp(profile));
  });

  test('with an impossible errno, an unknown action or more rules than the kernel takes is invalid', () => {
    const invalid = expect.objectContaining({ code: 'invalid-spec' });
    expect(() => compileSeccomp({ ...denying(), defaultErrnoRet: 4096 })).toThrow(invalid);
    expect(() => compileSeccomp({ ...denying(), defaultAction: 'SCMP_ACT_NOTIFY' as 'SCMP_ACT_LOG' })).toThrow(invalid);
    const args = Array.from({ length: 5000 }, (_, value) => ({ index: 0, op: 'SCMP_CMP_EQ', value }) as const);
    expect(() => compileSeccomp(denying({ names: ['getuid'], action: 'SCMP_ACT_ALLOW', args }))).toThrow(invalid);
  });
});
