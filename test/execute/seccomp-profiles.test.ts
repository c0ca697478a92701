import { chmod, chown, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSeccompProfiles, type SeccompProfiles } from '../../agent/execute/seccomp-profiles.ts';
import { containerOf } from './containers.ts';

const PROFILE = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 95, comment: 'why' }],
};

let directory: string;
let profiles: SeccompProfiles;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  profiles = createSeccompProfiles(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const write = (path: string, profile: unknown): Promise<void> =>
  writeFile(join(directory, path), typeof profile === 'string' ? profile : JSON.stringify(profile), { mode: 0o600 });
const of = (path: string) =>
  profiles.of(containerOf(`securityContext: { seccompProfile: { type: Localhost, localhostProfile: ${path} } }`));

describe('a seccomp profile of the node', () => {
  test('is read with its digest, and the same object for the same text', async () => {
    await mkdir(join(directory, 'shop'), { mode: 0o700 });
    await write('shop/web.json', PROFILE);
    const first = await of('shop/web.json');
    expect(first).toMatchObject({ path: 'shop/web.json', seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } });
    expect(first?.digest).toBe(await profiles.digest('shop/web.json'));
    expect((await of('shop/web.json'))?.seccomp).toBe(first?.seccomp);
    await write('shop/web.json', { ...PROFILE, defaultAction: 'SCMP_ACT_LOG' });
    expect((await of('shop/web.json'))?.digest).not.toBe(first?.digest);
  });

  test('is of no concern to a container that names none', async () => {
    expect(await profiles.of(containerOf(''))).toBeNull();
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /JSON/],
    ['a list', [], /the profile: .*object/],
    ['no default action', {}, /defaultAction/],
    ['an unknown action', { defaultAction: 'SCMP_ACT_NOTIFY' }, /defaultAction/],
    ['a flag', { ...PROFILE, flags: ['SECCOMP_FILTER_FLAG_LOG'] }, /flags: .*leave them out/],
    ['a listener', { ...PROFILE, listenerPath: '/run/x' }, /listenerPath/],
    ['Docker’s archMap', { ...PROFILE, archMap: [] }, /archMap: .*`architectures`/],
    [
      'Docker’s conditions',
      { ...PROFILE, syscalls: [{ ...PROFILE.syscalls[0], includes: { caps: ['CAP_SYS_ADMIN'] } }] },
      /syscalls\[0\]\.includes: .*without it/,
    ],
    ['a slip', { ...PROFILE, sycalls: [] }, /sycalls: is no field/],
    [
      'an argument too far',
      { ...PROFILE, syscalls: [{ names: ['a'], action: 'SCMP_ACT_ALLOW', args: [{ index: 6 }] }] },
      /args/,
    ],
  ])('with %s is refused with file and field', async (_, profile, message) => {
    await write('web.json', profile);
    await expect(of('web.json')).rejects.toMatchObject({
      code: 'seccomp-profile',
      message: expect.stringMatching(
        new RegExp(`container app: seccomp profile ${directory}/web.json: .*${message.source}`),
      ),
    });
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    ['is not there', async () => {}, /ENOENT/],
    ['is a directory', () => mkdir(join(directory, 'web.json'), { mode: 0o700 }), /regular file/],
    ['is a link', () => symlink('/etc/passwd', join(directory, 'web.json')), /ELOOP/],
    [
      'is another’s',
      async () => {
        await write('web.json', PROFILE);
        await chown(join(directory, 'web.json'), 1000, 1000);
      },
      /chown root/,
    ],
    [
      'can be written by others',
      async () => {
        await write('web.json', PROFILE);
        await chmod(join(directory, 'web.json'), 0o622);
      },
      /chmod go-w/,
    ],
    [
      'is too large',
      async () => {
        await write('web.json', PROFILE);
        await truncate(join(directory, 'web.json'), 2 ** 20 + 1);
      },
      /at most 1048576 bytes/,
    ],
  ])('that %s is refused', async (_, make, message) => {
    await make();
    await expect(of('web.json')).rejects.toMatchObject({
      code: 'seccomp-profile',
      message: expect.stringMatching(message),
    });
    expect(await profiles.digest('web.json').then((digest) => digest === null)).toBe(true);
  });

  test('in a folder that is a link, or open to others, is refused', async () => {
    await mkdir(join(directory, 'real'), { mode: 0o700 });
    await write('real/web.json', PROFILE);
    await symlink('real', join(directory, 'link'));
    await expect(of('link/web.json')).rejects.toMatchObject({ code: 'seccomp-profile' });
    await chmod(join(directory, 'real'), 0o777);
    await expect(of('real/web.json')).rejects.toMatchObject({ message: expect.stringMatching(/chmod go-w/) });
  });
});
