import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCgroupDriver } from '../../native/cgroup/driver.ts';
import { parseCgroupMounts } from '../../native/cgroup/mounts.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';

let directory: TempDir;

beforeEach(async () => {
  directory = await makeTempDir();
});

afterEach(() => directory.remove());

describe('the mount table', () => {
  test('of a hybrid node gives each v1 controller, shared mounts too, and the v2 tree', () => {
    const { v1, unified } = parseCgroupMounts(
      [
        '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
        '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct',
        '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
        '41 31 0:38 / /sys/fs/cgroup/unified rw shared:1 master:2 - cgroup2 cgroup2 rw,nsdelegate',
        '',
      ].join('\n'),
    );
    expect(v1.get('cpu')).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(v1.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(v1.get('memory')).toBe('/sys/fs/cgroup/memory');
    expect(v1.get('pids')).toBeUndefined();
    expect(unified).toBe('/sys/fs/cgroup/unified');
  });

  test('prefers a mount of the whole hierarchy, and understands escaped paths', () => {
    const { unified } = parseCgroupMounts(
      ['1 2 0:1 /part /a rw - cgroup2 cgroup2 rw', '3 2 0:1 / /with\\040space rw - cgroup2 none rw'].join('\n'),
    );
    expect(unified).toBe('/with space');
  });
});

describe('createCgroupDriver', () => {
  async function tableOf(...lines: readonly string[]): Promise<string> {
    const path = join(directory.path, 'mountinfo');
    await writeFile(path, lines.join('\n'));
    return path;
  }

  test('takes v2 when the unified tree has the controllers, v1 otherwise', async () => {
    const tree = join(directory.path, 'tree');
    await mkdir(tree);
    const v1 = ['memory', 'cpu', 'pids'].map((name) => `1 2 0:1 / ${tree}/${name} rw - cgroup cgroup rw,${name}`);
    const mountTable = await tableOf(...v1, `1 2 0:2 / ${tree} rw - cgroup2 none rw`);
    await writeFile(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids rdma misc\n');
    const v2 = await createCgroupDriver({ root: '/ours', mountTable });
    expect(v2.entryFiles('pod')).toEqual([`${tree}/ours/pod/cgroup.procs`]);
    await writeFile(join(tree, 'cgroup.controllers'), 'hugetlb\n');
    const hybrid = await createCgroupDriver({ root: '/ours', mountTable });
    expect(hybrid.entryFiles('pod')).toEqual(
      ['/memory', '/cpu', '/pids', ''].map((name) => `${tree}${name}/ours/pod/cgroup.procs`),
    );
  });

  test('enters a hierarchy that controllers share once', async () => {
    const mountTable = await tableOf(
      '1 2 0:1 / /one rw - cgroup cgroup rw,cpu,memory',
      '1 2 0:2 / /two rw - cgroup cgroup rw,pids',
    );
    const driver = await createCgroupDriver({ root: 'ours/', mountTable });
    expect(driver.entryFiles('')).toEqual(['/one/ours/cgroup.procs', '/two/ours/cgroup.procs']);
  });

  test('says which controller is missing', async () => {
    const mountTable = await tableOf('1 2 0:1 / /one rw - cgroup cgroup rw,cpu,memory');
    await expect(createCgroupDriver({ root: '/ours', mountTable })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('pids'),
    });
  });
});
