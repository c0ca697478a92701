import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { PodFileRoots } from '../../agent/execute/pod-files.ts';
import type { ProjectedFile } from '../../agent/material/projected-files.ts';
import type { PodTemplate } from '../../manifests/index.ts';
import { createFaultyFiles } from '../native/faults/faulty-files.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { CLAIM, MIB } from './claim.ts';

const { mkdir, readdir, readFile, stat, writeFile } = { ...promises };
const files = createFaultyFiles('chmod chownSync lchownSync lstat opendir readlink stat symlink'.split(' '));
jest.unstable_mockModule('node:fs', () => files.wrap(fs));
jest.unstable_mockModule('node:fs/promises', () => files.wrap(promises));
const { openClaims } = await import('../../agent/execute/claims.ts');
const { preparePodFiles, removePodFiles } = await import('../../agent/execute/pod-files.ts');
const { takeGroup } = await import('../../agent/execute/take-group.ts');
const { inspectVolumeFiles, writeVolumeFiles } = await import('../../agent/material/volume-files.ts');
const { podOf } = await import('./containers.ts');

/** One errno unless the run asks for others: `HOLDFAST_FAULTS=EIO,ENOSPC,EROFS`. */
const errnoNames = (process.env.HOLDFAST_FAULTS || 'EIO').split(',');

const OWNER = { uid: 1000, gid: 1000 };
const KEY = Buffer.alloc(32, 7);
const filesOf = (level: string): readonly ProjectedFile[] =>
  ['deep/level', 'level'].map((path) => ({ path, mode: 0o644, bytes: Buffer.from(level) }));

let directory: TempDir;
let roots: PodFileRoots;
let claims: ReturnType<typeof openClaims>;

beforeEach(async () => {
  directory = await makeTempDir();
  roots = { stateDir: join(directory.path, 'state'), runDir: join(directory.path, 'run') };
  claims = openClaims(roots.stateDir);
});
afterEach(() => directory.remove());

interface Case {
  readonly what: string;
  /** Makes what it begins with, whatever there is. */
  prepare(): Promise<unknown>;
  run(): Promise<unknown>;
  /** @returns what is wrong after a call that failed, before it is done again. */
  between?(): Promise<readonly string[]>;
  /** What must hold after it was done. */
  holds(): Promise<unknown>;
}

const clear = async (): Promise<void> =>
  directory
    .remove()
    .then(() => mkdir(directory.path))
    .then(() => undefined);
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);
const dataPath = (): string => claims.path('shop', 'data');
const pod = (): PodTemplate => ({
  ...podOf({ spec: 'securityContext: { fsGroup: 2000 }' }),
  volumes: [
    { name: 'scratch', type: 'emptyDir', medium: 'Disk', sizeLimitBytes: MIB },
    { name: 'd', type: 'persistentVolumeClaim', claimName: 'data', readOnly: false },
  ],
});
const preparePod = (): Promise<unknown> => preparePodFiles(roots, 'pod', { namespace: 'shop', pod: pod() });
const volume = (): string => join(directory.path, 'volume');
const shown = async (): Promise<readonly string[]> =>
  Promise.all(['level', 'deep/level'].map((path) => readFile(join(volume(), path), 'utf8')));

const CASES: readonly Case[] = [
  {
    what: 'making a claim',
    prepare: clear,
    run: () => claims.create(CLAIM),
    holds: async () => expect([await claims.list(), await modeOf(dataPath())]).toEqual([[CLAIM], '777']),
  },
  {
    what: 'changing a claim',
    prepare: () => clear().then(() => claims.create(CLAIM)),
    run: () => claims.create({ ...CLAIM, storageBytes: 2 * MIB }),
    between: async () => {
      const [claim] = await claims.list();
      return claim?.storageBytes === MIB || claim?.storageBytes === 2 * MIB ? [] : [`has ${JSON.stringify(claim)}`];
    },
    holds: async () => expect(await claims.list()).toEqual([{ ...CLAIM, storageBytes: 2 * MIB }]),
  },
  {
    what: 'removing a claim',
    prepare: async () => {
      await clear();
      await claims.create(CLAIM);
      await mkdir(join(dataPath(), 'deep'));
      await writeFile(join(dataPath(), 'deep/file'), 'data');
    },
    run: () => claims.remove('shop', 'data'),
    // Whoever looks finds it again, unless all of it is gone.
    between: async () => {
      const isThere = (await stat(dataPath()).catch(() => null)) !== null;
      return isThere && (await claims.list()).length === 0 ? ['is lost'] : [];
    },
    holds: async () => expect(await readdir(join(roots.stateDir, 'volumes'))).toEqual([]),
  },
  {
    what: 'making the volumes of a pod',
    prepare: () => clear().then(() => claims.create(CLAIM)),
    run: preparePod,
    holds: async () => {
      const scratch = join(roots.stateDir, 'pods/pod/volumes/scratch');
      expect([await modeOf(scratch), (await stat(scratch)).gid]).toEqual(['2777', 2000]);
      expect([await modeOf(dataPath()), (await stat(dataPath())).gid]).toEqual(['2777', 2000]);
    },
  },
  {
    what: 'removing the volumes of a pod',
    prepare: () =>
      clear()
        .then(() => claims.create(CLAIM))
        .then(preparePod),
    run: () => removePodFiles(roots, 'pod'),
    holds: async () => {
      expect(await readdir(join(roots.stateDir, 'pods'))).toEqual([]);
      expect(await claims.list()).toEqual([CLAIM]);
    },
  },
  {
    what: 'giving a volume to a group',
    prepare: async () => {
      await clear();
      await mkdir(join(volume(), 'deep'), { recursive: true });
      await writeFile(join(volume(), 'deep/file'), '', { mode: 0o600 });
    },
    run: () => takeGroup(volume(), 2000, 'OnRootMismatch'),
    between: async () => {
      const [root, file] = [await stat(volume()), await stat(join(volume(), 'deep/file'))];
      return root.gid === 2000 && file.gid !== 2000 ? ['looks done and is not'] : [];
    },
    holds: async () => {
      const path = join(volume(), 'deep/file');
      expect([await modeOf(path), (await stat(path)).gid, await modeOf(volume())]).toEqual(['660', 2000, '2775']);
    },
  },
  {
    what: 'exchanging the files of a volume',
    prepare: async () => {
      await clear();
      await mkdir(volume());
      await writeVolumeFiles(volume(), filesOf('info'), OWNER, KEY);
    },
    run: () => writeVolumeFiles(volume(), filesOf('debug'), OWNER, KEY),
    between: async () => {
      const levels = new Set(await shown());
      return levels.size === 1 ? [] : [`shows ${[...levels]} at once`];
    },
    holds: async () => {
      expect(await shown()).toEqual(['debug', 'debug']);
      expect(await inspectVolumeFiles(volume(), filesOf('debug'), OWNER, KEY)).toBe('current');
    },
  },
];

describe.each(errnoNames)('a call of the file system that fails once with %s', (errnoName) => {
  test.each(CASES)('while $what is told with its path or does no harm, and leaves nothing open', async (each) => {
    const problems: string[] = [];
    let nth = 0;
    for (; ; nth += 1) {
      await each.prepare();
      const before = (await readdir('/proc/self/fd')).length;
      files.arm({ nth, errnoName });
      const error: (Error & { code?: string }) | null = await each.run().then(
        () => null,
        (thrown) => thrown,
      );
      const call = files.disarm();
      if (call === null) break;
      const found = (await each.between?.()) ?? [];
      if (error !== null && error.code !== errnoName) problems.push(`${call}: throws ${error}`);
      problems.push(...found.map((problem) => `${call}: ${problem}`));
      await each.run();
      await each.holds();
      if ((await readdir('/proc/self/fd')).length > before) problems.push(`${call}: leaves a descriptor`);
    }
    expect(problems).toEqual([]);
    expect(nth).toBeGreaterThan(0);
    await each.holds();
  });
});
