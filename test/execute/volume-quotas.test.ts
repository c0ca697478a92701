import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../agent/execute/claims.ts';
import { emptyDirPath, type PodFileRoots, preparePodFiles, removePodFiles } from '../../agent/execute/pod-files.ts';
import { createVolumeQuotas, FIRST_PROJECT, type VolumeQuotas } from '../../agent/execute/volume-quotas.ts';
import { openProjectQuotas } from '../../native/index.ts';
import { createFakeProjectQuotas, type FakeProjectQuotas } from '../fakes/fake-project-quotas.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { CLAIM, MIB } from './claim.ts';
import { podOf } from './containers.ts';

let directory: TempDir;
let projects: FakeProjectQuotas;
let quotas: VolumeQuotas;

beforeEach(async () => {
  directory = await makeTempDir();
  projects = createFakeProjectQuotas(directory.path);
  quotas = createVolumeQuotas(projects);
});
afterEach(() => directory.remove());

const made = async (name: string): Promise<string> => {
  const path = join(directory.path, name);
  await mkdir(path, { recursive: true });
  return path;
};

describe('a directory held to a size', () => {
  test('is a project of its own, with its limit in whole KiB', async () => {
    const [a, b] = [await made('a'), await made('b')];
    await quotas.bound(a, MIB + 1);
    await quotas.bound(b, MIB);
    expect([projects.at(a), projects.at(b)]).toEqual([FIRST_PROJECT, FIRST_PROJECT + 1]);
    expect([quotas.usage(a), quotas.usage(b)]).toEqual([
      { usedBytes: 0, limitBytes: MIB + 1024 },
      { usedBytes: 0, limitBytes: MIB },
    ]);
    expect([quotas.isLoose(a, MIB + 1), quotas.isLoose(a, 2 * MIB), quotas.obstacle()]).toEqual([false, true, null]);
  });

  test('keeps its project when its size changes, and when another agent asks', async () => {
    const path = await made('a');
    await quotas.bound(path, MIB);
    await createVolumeQuotas(projects).bound(path, 2 * MIB);
    expect([projects.at(path), quotas.usage(path)?.limitBytes]).toEqual([FIRST_PROJECT, 2 * MIB]);
  });

  test('counts what was in it before, and follows no link', async () => {
    const [path, outside] = [await made('a'), await made('outside')];
    await made('a/deep/er');
    await writeFile(join(path, 'deep/er/file'), Buffer.alloc(5_000));
    await writeFile(join(outside, 'other'), Buffer.alloc(7_000));
    await symlink(outside, join(path, 'deep/link'));
    await quotas.bound(path, MIB);
    expect(quotas.usage(path)).toEqual({ usedBytes: 5_000, limitBytes: MIB });
    expect(projects.at(join(outside, 'other'))).toBe(0);
  });

  test.each([1, 2, 3, 4])('is whole after a crash at the %ith change, and loose until then', async (changes) => {
    const path = await made('a');
    await made('a/below');
    await writeFile(join(path, 'below/file'), Buffer.alloc(5_000));
    projects.failAfter(changes);
    await expect(quotas.bound(path, MIB)).rejects.toThrow('EIO');
    const next = createVolumeQuotas(projects);
    projects.failAfter(Number.POSITIVE_INFINITY);
    expect(next.isLoose(path, MIB)).toBe(true);
    await next.bound(path, MIB);
    expect(next.usage(path)).toEqual({ usedBytes: 5_000, limitBytes: MIB });
    expect(projects.limits.size).toBe(1);
  });
});

describe('a project', () => {
  const emptied = (path: string): Promise<void> => rm(path, { recursive: true });

  test('is another’s only when nothing of it is left, and without the limit it had', async () => {
    const path = await made('a');
    await quotas.bound(path, MIB);
    await quotas.release([path], () => emptied(path));
    expect(projects.limits.size).toBe(0);
    projects.open.set(FIRST_PROJECT, 4_096);
    const anew = createVolumeQuotas(projects);
    await anew.bound(await made('b'), MIB);
    expect(projects.at(join(directory.path, 'b'))).toBe(FIRST_PROJECT + 1);
    projects.open.clear();
    await createVolumeQuotas(projects).bound(await made('c'), MIB);
    expect(projects.at(join(directory.path, 'c'))).toBe(FIRST_PROJECT);
  });

  test('whose directory went without its limit is begun anew', async () => {
    const path = await made('a');
    await quotas.bound(path, MIB);
    await emptied(path);
    await made('b/below');
    await writeFile(join(directory.path, 'b/below/file'), Buffer.alloc(5_000));
    const next = createVolumeQuotas(projects);
    await next.bound(join(directory.path, 'b'), 2 * MIB);
    expect([projects.at(join(directory.path, 'b')), next.usage(join(directory.path, 'b'))]).toEqual([
      FIRST_PROJECT,
      { usedBytes: 5_000, limitBytes: 2 * MIB },
    ]);
  });

  test('of somebody else is taken from nobody', async () => {
    projects.open.set(FIRST_PROJECT, 1).set(FIRST_PROJECT + 1, 1);
    await quotas.bound(await made('a'), MIB);
    expect(projects.at(join(directory.path, 'a'))).toBe(FIRST_PROJECT + 2);
  });
});

describe('a claim', () => {
  test('is held to what it asks for, shows when it is not, and gives its project back', async () => {
    const before = openClaims(directory.path);
    await before.create(CLAIM);
    const claims = openClaims(directory.path, quotas);
    expect(await claims.list()).toEqual([{ ...CLAIM, isLoose: true }]);
    await claims.create(CLAIM);
    expect(await claims.list()).toEqual([CLAIM]);
    expect(quotas.usage(claims.path('shop', 'data'))).toEqual({ usedBytes: 0, limitBytes: MIB });
    await claims.remove('shop', 'data');
    expect([await claims.list(), projects.limits.size, await readdir(directory.path)]).toEqual([[], 0, ['volumes']]);
    await claims.remove('shop', 'data');
  });

  test('is not there, by its record, before it is held', async () => {
    projects.failAfter(1);
    const claims = openClaims(directory.path, quotas);
    await expect(claims.create(CLAIM)).rejects.toThrow('EIO');
    expect(await claims.list()).toEqual([{ ...CLAIM, storageBytes: 0, isLoose: true }]);
  });
});

describe('an emptyDir on disk', () => {
  test('is held to its limit, and its project is given back with the pod', async () => {
    const roots: PodFileRoots = { stateDir: directory.path, runDir: join(directory.path, 'run'), quotas };
    const pod = podOf({ spec: 'volumes: [{ name: a, emptyDir: { sizeLimit: 1Mi } }, { name: b, emptyDir: {} }]' });
    await preparePodFiles(roots, 'pod', { namespace: 'default', pod });
    expect(quotas.usage(emptyDirPath(roots, 'pod', 'a'))?.limitBytes).toBe(MIB);
    expect(quotas.usage(emptyDirPath(roots, 'pod', 'b'))).toBeNull();
    await removePodFiles(roots, 'pod');
    await removePodFiles(roots, 'pod');
    expect(projects.limits.size).toBe(0);
  });
});

describe('a file system that holds nothing', () => {
  test.each(['none', 'counted'] as const)('(%s) is left as it is, and says what to do', async (can) => {
    projects.can = can;
    const claims = openClaims(directory.path, quotas);
    await claims.create(CLAIM);
    expect([await claims.list(), quotas.usage(claims.path('shop', 'data'))]).toEqual([[CLAIM], null]);
    await claims.remove('shop', 'data');
    expect([projects.limits.size, quotas.obstacle()]).toEqual([0, expect.stringContaining('prjquota')]);
  });

  test('such as the one of processes is told from the others by the kernel', () => {
    expect(openProjectQuotas('/proc').support()).toBe('none');
    expect(createVolumeQuotas(openProjectQuotas('/proc')).obstacle()).toContain('no project quotas');
    expect(() => openProjectQuotas('/proc').usage(FIRST_PROJECT)).toThrow(
      expect.objectContaining({ code: 'kernel', stage: 'read quota', errno: 'ENOSYS' }),
    );
  });
});
