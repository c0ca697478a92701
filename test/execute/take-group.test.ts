import { chmod, chown, link, lstat, mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../agent/execute/claims.ts';
import { preparePodFiles } from '../../agent/execute/pod-files.ts';
import { takeGroup } from '../../agent/execute/take-group.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { podOf } from './containers.ts';

const GROUP = 2000;

let directory: TempDir;
let root: string;
let outside: string;

beforeEach(async () => {
  directory = await makeTempDir();
  [root, outside] = [join(directory.path, 'volume'), join(directory.path, 'outside')];
  await mkdir(join(root, 'deep/er'), { recursive: true });
  await chmod(root, 0o755);
  await mkdir(outside, { mode: 0o700 });
  await writeFile(join(root, 'deep/er/file'), 'data', { mode: 0o600 });
  await writeFile(join(root, 'program'), '#!', { mode: 0o711 });
  await writeFile(join(outside, 'kept'), 'kept', { mode: 0o600 });
});
afterEach(() => directory.remove());

const of = async (path: string): Promise<readonly [gid: number, mode: string]> => {
  const { gid, mode } = await lstat(path);
  return [gid, (mode & 0o7777).toString(8)];
};

describe('a volume that is given to a group', () => {
  test('is the group’s to the bottom: directories hand it on, files keep what they may be', async () => {
    await takeGroup(root, GROUP, null);
    expect(await of(root)).toEqual([GROUP, '2775']);
    expect(await of(join(root, 'deep/er'))).toEqual([GROUP, '2775']);
    expect(await of(join(root, 'deep/er/file'))).toEqual([GROUP, '660']);
    expect(await of(join(root, 'program'))).toEqual([GROUP, '771']);
    expect(await readFile(join(root, 'deep/er/file'), 'utf8')).toBe('data');
  });

  test('keeps its owners, and follows no link out of it', async () => {
    await chown(join(root, 'deep/er/file'), 1234, 0);
    await symlink(outside, join(root, 'deep/link'));
    await symlink(join(outside, 'kept'), join(root, 'direct'));
    await takeGroup(root, GROUP, null);
    expect((await stat(join(root, 'deep/er/file'))).uid).toBe(1234);
    expect((await lstat(join(root, 'direct'))).gid).toBe(GROUP);
    expect([await of(outside), await of(join(outside, 'kept'))]).toEqual([
      [0, '700'],
      [0, '600'],
    ]);
  });

  test('is left alone when its root is the group’s, where that is asked for', async () => {
    await takeGroup(root, GROUP, 'OnRootMismatch');
    expect((await of(join(root, 'program')))[0]).toBe(GROUP);
    await chown(join(root, 'program'), 0, 7);
    await takeGroup(root, GROUP, 'OnRootMismatch');
    expect((await of(join(root, 'program')))[0]).toBe(7);
    await chmod(root, 0o755);
    await takeGroup(root, GROUP, 'OnRootMismatch');
    expect((await of(join(root, 'program')))[0]).toBe(GROUP);
  });

  test('is refused as a link, so that its place cannot be another’s', async () => {
    await symlink(outside, join(directory.path, 'link'));
    await expect(takeGroup(join(directory.path, 'link'), GROUP, null)).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(await of(outside)).toEqual([0, '700']);
  });

  test('may have several names for one file, and files of times long ago', async () => {
    await link(join(root, 'program'), join(root, 'deep/other'));
    await utimes(join(root, 'program'), 1, 1);
    await takeGroup(root, GROUP, null);
    expect(await of(join(root, 'deep/other'))).toEqual([GROUP, '771']);
    expect((await stat(join(root, 'program'))).mtimeMs).toBe(1_000);
  });
});

test('a claim is its pod’s group’s before the pod starts', async () => {
  const stateDir = join(directory.path, 'state');
  const claim = {
    namespace: 'shop',
    name: 'data',
    storageBytes: 1,
    isForOnePod: false,
    reclaimPolicy: 'Retain',
  } as const;
  await openClaims(stateDir).create(claim);
  const data = openClaims(stateDir).path('shop', 'data');
  await writeFile(join(data, 'file'), 'old', { mode: 0o600 });
  const volume = { name: 'd', type: 'persistentVolumeClaim', claimName: 'data', readOnly: false } as const;
  const pod = { ...podOf({ spec: `securityContext: { fsGroup: ${GROUP} }` }), volumes: [volume] };
  await preparePodFiles({ stateDir, runDir: stateDir }, 'pod', { namespace: 'shop', pod });
  expect([await of(data), await of(join(data, 'file'))]).toEqual([
    [GROUP, '2777'],
    [GROUP, '660'],
  ]);
  const other = { namespace: 'other', pod };
  await expect(preparePodFiles({ stateDir, runDir: stateDir }, 'pod-2', other)).rejects.toMatchObject({
    code: 'claim',
    message: 'volume d: claim other/data has no directory on this node',
  });
});
