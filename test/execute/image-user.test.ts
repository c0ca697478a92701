import { describe, expect, test } from '@jest/globals';
import { resolveUser } from '../../agent/execute/image-user.ts';
import type { Container } from '../../manifests/index.ts';
import { containerOf, podOf } from './containers.ts';

const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'app:x:1000:1001::/:',
    'app:x:7:7::/:',
    'hidden root:x:0:0::/:',
    'toor:x:0:0::/:',
    'huge:x:70000:5::/:',
    'odd:x:-1:0::/:',
    'odder:x:1e3:0::/:',
    'short:x:9',
    '2000:x:3000:3000::/:',
    'crlf:x:5:6::/:\r',
  ].join('\n'),
  'etc/group': 'root:x:0:\nstaff:x:50:app\nodd:x:0x1:\nshort:x\n',
};

interface Options {
  readonly security?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly users?: 'private' | 'host';
}

/** @returns `uid:gid`, or the error. */
const resolve = (user: string, { security = '{}', files = FILES, users = 'private' }: Options = {}): Promise<string> =>
  resolveUser(containerOf(`securityContext: ${security}`), user, async (path) => files[path] ?? null, users).then(
    ({ uid, gid }) => `${uid}:${gid}`,
    ({ code, message }) => `${code}: ${message}`,
  );

describe('groups of the image', () => {
  const groupsOf = async (user: string, spec: string, security = '{}'): Promise<readonly number[] | undefined> => {
    const files = {
      ...FILES,
      'etc/group': 'a:x:60:x,app\nb:x:50:app\nc:x:70000:app\nd:x:1e1:app\ne:x:50:app\nf:x:7:apple\n',
    };
    const pod = podOf({ spec, container: `securityContext: ${security}` });
    const read = async (path: string): Promise<string | null> => files[path as keyof typeof files] ?? null;
    return (await resolveUser(pod.containers[0] as Container, user, read)).groups;
  };
  const merge = 'securityContext: { supplementalGroupsPolicy: Merge }';

  test('are its user’s only where they are asked for', async () => {
    expect(await groupsOf('app', '')).toBeUndefined();
    expect(await groupsOf('app', 'securityContext: { supplementalGroupsPolicy: Strict }')).toBeUndefined();
    expect(await groupsOf('app', merge)).toEqual([50, 60]);
    expect(await groupsOf('', merge, '{ runAsUser: 1000 }')).toEqual([50, 60]);
    expect(await groupsOf('4321', merge)).toEqual([]);
  });
});

describe("the image's user", () => {
  test.each([
    ['', '0:0'],
    ['root', '0:0'],
    ['app', '1000:1001'],
    ['app:staff', '1000:50'],
    ['app:51', '1000:51'],
    ['app:', '1000:1001'],
    [':staff', '0:50'],
    ['1000', '1000:1001'],
    ['1234', '1234:0'],
    ['1234:5', '1234:5'],
    ['2000', '2000:0'],
    ['crlf', '5:6'],
    ['0', '0:0'],
    ['000', '0:0'],
  ])('%j is %s', async (user, ids) => {
    expect(await resolve(user)).toBe(ids);
  });

  test.each([
    ['nobody', 'image-user: the image\'s user "nobody" is not in its /etc/passwd; set runAsUser'],
    ['odd', /is not in its \/etc\/passwd/],
    ['odder', /is not in its \/etc\/passwd/],
    ['short', /is not in its \/etc\/passwd/],
    ['-1', /is not in its \/etc\/passwd/],
    ['app:nobody', 'image-user: the image\'s group "nobody" is not in its /etc/group; set runAsGroup'],
    ['app:odd', /is not in its \/etc\/group/],
    ['huge', /user 70000:5 is outside the id range 0-65535/],
    ['65536', /outside the id range/],
    ['4294967294', /outside the id range/],
    ['4294967295', /is not in its \/etc\/passwd/],
    ['99999999999', /is not in its \/etc\/passwd/],
  ])('%j is refused', async (user, message) => {
    expect(await resolve(user)).toMatch(message);
  });

  test('is a number without a passwd file, and nothing without one otherwise', async () => {
    expect(await resolve('12', { files: {} })).toBe('12:0');
    expect(await resolve('app', { files: {} })).toMatch(/not in its \/etc\/passwd/);
    expect(await resolve('12:staff', { files: {} })).toMatch(/not in its \/etc\/group/);
  });

  test('cannot command a terminal, nor fill it', async () => {
    const told = await resolve(`\u001b[2J${'x'.repeat(10_000)}`);
    expect(told).toContain('"\\u001b[2Jxxx');
    expect(told.length).toBeLessThan(200);
  });
});

describe("the manifest's user", () => {
  test.each([
    ['{ runAsUser: 5 }', 'app:staff', '5:0'],
    ['{ runAsUser: 5, runAsGroup: 6 }', 'app:staff', '5:6'],
    ['{ runAsGroup: 6 }', 'app:staff', '1000:6'],
    ['{ runAsUser: 5 }', 'nobody:nobody', '5:0'],
  ])('%s goes before %s: %s', async (security, user, ids) => {
    expect(await resolve(user, { security })).toBe(ids);
  });
});

describe('non-root', () => {
  test.each(['', 'root', 'toor', 'hidden root', '0', '00', '0:1000'])('refuses the image user %j', async (user) => {
    expect(await resolve(user, { security: '{ runAsNonRoot: true }' })).toMatch(/must run as non-root/);
  });

  test('takes any other', async () => {
    expect(await resolve('app', { security: '{ runAsNonRoot: true }' })).toBe('1000:1001');
    expect(await resolve('', { security: '{ runAsNonRoot: true, runAsUser: 1 }' })).toBe('1:0');
  });
});

test("a pod with the node's users has all of the node's ids", async () => {
  expect(await resolve('huge', { users: 'host' })).toBe('70000:5');
  expect(await resolve('4294967294', { users: 'host' })).toBe('4294967294:0');
  expect(await resolve('4294967295', { users: 'host' })).toMatch(/is not in its \/etc\/passwd/);
});
