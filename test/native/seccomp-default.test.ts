import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ALLOWED_SYSCALLS } from '../../native/seccomp/allowed-syscalls.ts';
import { compileSeccomp } from '../../native/seccomp/compile.ts';
import { defaultSeccomp } from '../../native/seccomp/default-profile.ts';
import { REFUSED_SYSCALLS } from '../../native/seccomp/refused-syscalls.ts';
import { buildSeccompProbe, type SeccompProbe } from './seccomp-probe.ts';

const EPERM = 1;
const EINVAL = 22;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const ESRCH = 3;
const EBADF = 9;

const allowed: readonly string[] = Object.values(ALLOWED_SYSCALLS).flat();
const refused: readonly string[] = Object.values(REFUSED_SYSCALLS).flat();

let probe: SeccompProbe;

beforeAll(async () => {
  probe = await buildSeccompProbe();
});

afterAll(() => probe.remove());

function errnos(...calls: readonly string[]): Promise<readonly number[]> {
  return probe.errnosUnder(compileSeccomp(defaultSeccomp), calls);
}

/** The calls this machine's kernel headers know. */
function knownCalls(): readonly string[] {
  const macros = execFileSync('gcc', ['-E', '-dM', '-'], { input: '#include <asm/unistd.h>\n' }).toString();
  return [...macros.matchAll(/^#define __NR_(\w+) \d+$/gm)].map((match) => match[1] ?? '');
}

describe('the default profile', () => {
  test('decides every system call of this machine once', () => {
    const decided = [...allowed, ...refused, 'clone', 'clone3', 'personality'];
    expect(new Set(decided).size).toBe(decided.length);
    const known = knownCalls();
    expect(known.length).toBeGreaterThan(300);
    expect(known.filter((name) => !decided.includes(name))).toEqual([]);
  });

  test('refuses with EPERM, as root, what it refuses', async () => {
    const calls = refused.filter((name) => knownCalls().includes(name));
    const results = await errnos(...calls);
    expect(calls.filter((_, index) => results[index] !== EPERM)).toEqual([]);
    expect(calls).toEqual(
      expect.arrayContaining(['mount', 'bpf', 'keyctl', 'setns', 'unshare', 'kexec_load', 'userfaultfd']),
    );
  });

  test('lets calls through to the kernel', async () => {
    expect(await errnos('getuid', 'read,999', 'ioctl,999,0x5413', 'kill,0x7fffffff,0', 'getpid', 'chroot')).toEqual([
      0,
      EBADF,
      EBADF,
      ESRCH,
      0,
      14,
    ]);
  });

  test('gives ENOSYS for clone3 and for calls newer than anybody knows', async () => {
    expect(await errnos('clone3', '4000', '600')).toEqual([ENOSYS, ENOSYS, ENOSYS]);
  });

  test('refuses every new namespace, and no other clone', async () => {
    const flags = [
      '0x20000',
      '0x02000000',
      '0x04000000',
      '0x08000000',
      '0x10000000',
      '0x20000000',
      '0x40000000',
      '0x7e020011',
    ];
    expect(await errnos(...flags.map((flag) => `clone,${flag}`))).toEqual(flags.map(() => EPERM));
    // CLONE_THREAD without CLONE_SIGHAND: the kernel itself says EINVAL, and no process comes of it.
    expect(await errnos('clone,0x10000')).toEqual([EINVAL]);
  });

  test('lets a process ask for its personality, and set the plain ones only', async () => {
    expect(await errnos('personality,0xffffffff', 'personality,0', 'personality,0x20008')).toEqual([0, 0, 0]);
    expect(await errnos('personality,0x40000', 'personality,0x0400000', 'personality,0x100040000')).toEqual([
      EPERM,
      EPERM,
      EPERM,
    ]);
  });

  test('refuses typing into terminals, with any upper half of the command', async () => {
    expect(
      await errnos('ioctl,0,0x5412', 'ioctl,0,0x541c', 'ioctl,0,0x100005412', 'ioctl,0,0xffffffff00005412'),
    ).toEqual([EPERM, EPERM, EPERM, EPERM]);
  });

  test('refuses AF_ALG, AF_VSOCK and other rare socket families, with any upper half of the number', async () => {
    expect(
      await errnos('socket,38,5', 'socket,40,1', 'socket,0x100000026,5', 'socketpair,30,1', 'socket,21,5'),
    ).toEqual([EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT, EAFNOSUPPORT]);
    expect(await errnos('socket,1,1', 'socket,2,1', 'socket,10,2', 'socket,16,3')).toEqual([0, 0, 0, 0]);
  });

  test('lets a process be traced by its parent, and trace no other', async () => {
    expect(await errnos('ptrace,16,1', 'ptrace,0x4206,1', 'ptrace,0')).toEqual([EPERM, EPERM, 0]);
  });

  test('closes the 32-bit and the x32 entries', async () => {
    expect(await errnos('i386:getuid', 'i386:socketcall', String(0x40000000 + 102))).toEqual([ENOSYS, ENOSYS, ENOSYS]);
  });

  test('fits the kernel', () => {
    expect(compileSeccomp(defaultSeccomp).length / 8).toBeLessThan(1000);
  });
});
