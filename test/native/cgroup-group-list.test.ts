import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createGroupList } from '../../native/cgroup/group-list.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;

beforeEach(async () => {
  directory = await makeTempDir();
});

afterEach(() => directory.remove());

const make = (path: string): Promise<unknown> => mkdir(join(directory.path, path), { recursive: true });
const remove = (path: string): Promise<void> => rm(join(directory.path, path), { recursive: true });

test('tells what is there now, also when one group took the place of another', async () => {
  const list = createGroupList();
  const below = (): readonly string[] => list.below([directory.path]);
  expect(below()).toEqual([]);
  await make('pod/app');
  await make('pod/web');
  await writeFile(join(directory.path, 'pod/cgroup.procs'), '');
  expect(below()).toEqual(['pod', 'pod/app', 'pod/web']);
  expect(below()).toEqual(['pod', 'pod/app', 'pod/web']);
  await remove('pod/app');
  await make('pod/db');
  expect(below()).toEqual(['pod', 'pod/db', 'pod/web']);
  await make('pod/db/inner');
  expect(below()).toEqual(['pod', 'pod/db', 'pod/db/inner', 'pod/web']);
  await remove('pod');
  await make('other');
  expect(below()).toEqual(['other']);
  await remove('other');
  expect(below()).toEqual([]);
});

test('joins several hierarchies and passes over one that is not there', async () => {
  await make('memory/pod/app');
  await make('cpu/pod');
  await make('cpu/stray');
  const bases = ['memory', 'cpu', 'missing'].map((name) => join(directory.path, name));
  expect(createGroupList().below(bases)).toEqual(['pod', 'pod/app', 'stray']);
});
