import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from '../../native/runtime/config/read-config.ts';
import { type BundleStage, type Config, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

describe('a hostile config.json', () => {
  test.each<readonly [string, (path: string) => unknown, string]>([
    ['that is a pipe', (path) => execFileSync('mkfifo', [path]), 'expected a file'],
    ['that is a directory', (path) => mkdir(path), 'cannot read'],
    [
      'that is huge',
      (path) => writeFile(path, '').then(() => truncate(path, 2 ** 34)),
      'expected at most 4194304 bytes',
    ],
    ['that is cut off', (path) => writeFile(path, '{"ociVersion": "1.2.0"'), 'JSON'],
    ['that nests where a text belongs', (path) => writeFile(path, nested('hostname')), 'hostname: '],
    ['that nests where nothing belongs', (path) => writeFile(path, nested('vm')), 'vm: '],
    ['that is a list', (path) => writeFile(path, '[]'), 'expected object'],
    [
      'with a NUL',
      (path) => writeFile(path, '{"ociVersion":"1.2.0","root":{"path":"a\\u0000b"},"linux":{}}'),
      'a text with a NUL',
    ],
  ])('%s is refused', async (_, write, message) => {
    await rm(join(stage.bundle, 'config.json'));
    await write(join(stage.bundle, 'config.json'));
    await expect(readConfig(stage.bundle)).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining(message),
    });
  });

  test('that says a thing twice is taken at its last word, as by other runtimes', async () => {
    await stage.configure('true');
    const text = await readFile(join(stage.bundle, 'config.json'), 'utf8');
    await writeFile(join(stage.bundle, 'config.json'), text.replace('{', '{"hostname":"first","hostname":"second",'));
    const config = JSON.parse(await readFile(join(stage.bundle, 'config.json'), 'utf8'));
    expect((await readConfig(stage.bundle)).hostname).toBe(config.hostname);
  });

  test.each<readonly [string, (config: Config) => void]>([
    ['process.args', (config) => Object.assign(config.process, { args: 'sh' })],
    ['process.user.gid', (config) => Object.assign(config.process.user, { gid: 2 ** 32 })],
    ['mounts[0].destination', (config) => Object.assign(config.mounts[0], { destination: 7 })],
    [
      'linux.devices[0].major',
      (config) => Object.assign(config.linux, { devices: [{ type: 'c', path: '/dev/x', major: -1 }] }),
    ],
    ['linux.maskedPaths', (config) => Object.assign(config.linux, { maskedPaths: {} })],
    [
      'linux.uidMappings[0].size',
      (config) => Object.assign(config.linux, { uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] }),
    ],
    ['annotations.a', (config) => Object.assign(config, { annotations: { a: 1 } })],
  ])('with a wrong %s is refused by name', async (field, change) => {
    await stage.configure('true', change);
    await expect(readConfig(stage.bundle)).rejects.toMatchObject({
      message: expect.stringContaining(`json: ${field}`),
    });
  });

  test.each(['/', '/line\nbreak', 'line\nbreak'])(
    'that asks for cgroup %j leaves nothing that cannot be deleted',
    async (asked) => {
      await stage.configure('true', (config) => {
        config.linux.cgroupsPath = asked;
      });
      const { status, stderr } = await stage.runtime('create', 'c');
      expect([status, stderr]).toEqual([1, expect.stringContaining('cgroup')]);
      expect(await readdir(join(stage.directory, 'run'))).toEqual([]);
    },
  );
});

function nested(field: string): string {
  return `{"ociVersion":"1.2.0","root":{"path":"rootfs"},"linux":{},"${field}":${'[1,'.repeat(100_000)}0${']'.repeat(100_000)}}`;
}

describe('a hostile root file system', () => {
  let outside: string;

  beforeEach(async () => {
    outside = join(stage.directory, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'file'), 'of the node\n');
  });

  async function expectNodeUntouched(): Promise<void> {
    expect(await readdir(outside)).toEqual(['file']);
    expect(await readFile(join(outside, 'file'), 'utf8')).toBe('of the node\n');
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(stage.directory);
  }

  test.each(['dev', 'proc', 'sys', 'data'])('whose /%s is a link to the node gets nothing there', async (name) => {
    for (const target of [outside, `../../../../../..${outside}`]) {
      await rm(join(stage.rootfs, name), { recursive: true, force: true });
      await symlink(target, join(stage.rootfs, name));
      expect(await realpath(join(stage.rootfs, name))).toBe(outside);
      await stage.configure('true', (config) => {
        config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
      });
      expect((await stage.runtime('create', 'c')).stderr).toMatch(/make mount point failed with ENOENT/);
    }
    await expectNodeUntouched();
  });

  test('whose masked and read-only paths, and device, are links to the node changes nothing there', async () => {
    for (const name of ['masked', 'kept']) await symlink(outside, join(stage.rootfs, name));
    await stage.configure('echo ran', (config) => {
      config.linux.maskedPaths = ['/masked', '/masked/file'];
      config.linux.readonlyPaths = ['/kept'];
    });
    expect(await stage.run()).toBe('ran\n');
    await expectNodeUntouched();
  });

  test.each(['net/..', 'net/ipv4/./../..', 'net//..'])(
    'is led nowhere by a sysctl that leaves the place of its kind: %s',
    async (way) => {
      await stage.configure('true', (config) => {
        config.linux.sysctl = { [`${way}/../..${outside}/file`]: 'evil' };
      });
      const { status, stderr } = await stage.runtime('create', 'c');
      expect([status, stderr]).toEqual([1, expect.stringContaining('belongs to the whole node')]);
      await expectNodeUntouched();
    },
  );

  test('cannot be covered at /proc, but for what has numbers of its own', async () => {
    const cover = (destination: string) => (config: Config) =>
      config.mounts.push({ destination, type: 'bind', source: join(outside, 'file'), options: ['bind'] });
    await stage.configure('true', cover('/proc/self/attr/exec'));
    expect((await stage.runtime('create', 'c')).stderr).toContain('mount over procfs failed with EPERM');
    await symlink('/proc/self', join(stage.rootfs, 'way'));
    await stage.configure('true', cover('/way/attr/exec'));
    expect((await stage.runtime('create', 'c')).stderr).toContain('mount over procfs failed with EPERM');
  });

  test('gives no working directory among what the runtime has open (CVE-2024-21626)', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('create', 'c'));
    await expectSuccess(stage.runtime('start', 'c'));
    for (const fd of [3, 4, 5, 6, 7, 8, 9, 10, 11]) {
      const entered = await stage.runtime('exec', '--cwd', `/proc/self/fd/${fd}`, 'c', 'ls', '-a');
      expect([entered.status, entered.stdout]).toEqual([1, '']);
    }
    for (const fd of [5, 7, 9]) {
      await stage.configure('ls', (config) => {
        config.process.cwd = `/proc/self/fd/${fd}`;
      });
      expect((await stage.runtime('create', 'd')).status).toBe(1);
    }
  });
});
