import { existsSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { v2Ground } from '../../native/cgroup/ground-v2.ts';
import { killGroup } from '../../native/cgroup/kill.ts';
import { type Program, startProgram } from '../world/program.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;
let stranger: Program;

beforeEach(async () => {
  directory = await makeTempDir();
  stranger = await startProgram({ command: 'sleep', args: ['1000'] });
});

afterEach(async () => {
  await stranger.kill();
  await directory.remove();
});

test('neither moves nor kills a process that has left the group between two looks', async () => {
  const group = join(directory.path, 'pod');
  const processes = join(group, 'cgroup.procs');
  await mkdir(group);
  await writeFile(join(group, 'pids.max'), 'max\n');
  await writeFile(processes, `${stranger.pid}\n`);
  const ground = {
    ...v2Ground({ directory: directory.path, mount: directory.path }),
    /** Asked for between the two looks. */
    get freezer() {
      writeFileSync(processes, '');
      return null;
    },
  };
  await killGroup(ground, 'pod');
  expect(await readFile(processes, 'utf8')).toBe('');
  expect(existsSync(`/proc/${stranger.pid}`)).toBe(true);
  expect(await readFile(join(group, 'pids.max'), 'utf8')).toBe('max');
});
