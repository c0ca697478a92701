import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { launchOf } from '../../native/container/launch-of.ts';
import { type LabelGround, labelsToSet } from '../../native/labels/labels-to-set.ts';
import { createShimLauncher } from '../../native/launch/shim.ts';
import { buildPath } from '../../native/library.ts';
import { type ContainerStage, openContainerStage } from './container-stage.ts';

const NONE = { apparmorProfile: null, selinuxLabel: null, mountLabel: null };
const LABEL = 'system_u:system_r:container_t:s0:c1,c2';

let directory: string;
let stage: ContainerStage;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  stage = await openContainerStage();
  const make = spawnSync('make', ['-s', '-C', 'native', 'build/sanitize/labels-check'], { encoding: 'utf8' });
  expect([make.status, make.stderr]).toEqual([0, '']);
}, 120_000);
afterAll(async () => {
  await stage.close();
  await rm(directory, { recursive: true });
});

/** A kernel that answers with these files; one that is not given is not there. */
async function groundOf(files: { enabled?: string; profiles?: string; fileSystems?: string }): Promise<LabelGround> {
  const place = await mkdtemp(join(directory, 'ground-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(place, name), text);
  return {
    apparmorSwitch: join(place, 'enabled'),
    apparmorProfiles: join(place, 'profiles'),
    fileSystems: join(place, 'fileSystems'),
  };
}

describe('labels', () => {
  test.each([
    ['where AppArmor is off', { enabled: 'N\n' }, { apparmorProfile: 'web' }, 'unsupported', 'has no AppArmor'],
    ['without AppArmor', {}, { apparmorProfile: 'web' }, 'unsupported', 'has no AppArmor'],
    [
      'that are not loaded',
      { enabled: 'Y\n', profiles: 'webserver (enforce)\n' },
      { apparmorProfile: 'web' },
      'invalid-spec',
      'load it with apparmor_parser',
    ],
    ['without SELinux', { fileSystems: 'nodev\tproc\n' }, { selinuxLabel: LABEL }, 'unsupported', 'has no SELinux'],
    ['of mounts without SELinux', {}, { mountLabel: LABEL }, 'unsupported', 'linux.mountLabel'],
  ] as const)('%s are refused by name', async (_, files, asked, code, message) => {
    await expect(labelsToSet({ ...NONE, ...asked }, await groundOf(files))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    [{ enabled: 'Y\n', profiles: 'web (enforce)\n' }, { apparmorProfile: 'web' }, { apparmorProfile: 'web' }],
    [{ enabled: 'Y\n' }, { apparmorProfile: 'web' }, { apparmorProfile: 'web' }],
    [
      { enabled: 'Y\n', profiles: 'web (enforce)\n' },
      { apparmorProfile: 'unconfined' },
      { apparmorProfile: 'unconfined' },
    ],
    [{}, { apparmorProfile: 'unconfined' }, {}],
    [{ fileSystems: 'nodev\tselinuxfs\n' }, { selinuxLabel: LABEL }, { selinuxLabel: LABEL }],
    [{}, {}, {}],
  ])('on %j %j leaves %j to be set', async (files, asked, left) => {
    const labels = await labelsToSet({ ...NONE, ...asked }, await groundOf(files));
    expect(labels).toEqual({ ...NONE, ...left });
  });
});

describe('the shim', () => {
  /** What it writes where procfs would be. */
  async function written(profile: string, label: string): Promise<{ told: string; files: readonly string[] }> {
    const proc = await mkdtemp(join(directory, 'proc-'));
    const files = [join(proc, '7/attr/apparmor/exec'), join(proc, '7/attr/exec')];
    await mkdir(join(proc, '7/attr/apparmor'), { recursive: true });
    await symlink('7', join(proc, 'self'));
    for (const file of files) await writeFile(file, '');
    const { stdout } = spawnSync(buildPath('sanitize/labels-check'), [proc, profile, label], { encoding: 'utf8' });
    return { told: stdout, files: await Promise.all(files.map((file) => readFile(file, 'utf8'))) };
  }

  test('asks each module in its own words, for the next program', async () => {
    expect(await written('web', LABEL)).toEqual({ told: 'set\n', files: ['exec web', LABEL] });
    expect(await written('web', '')).toEqual({ told: 'set\n', files: ['exec web', ''] });
    expect(await written('', '')).toEqual({ told: 'set\n', files: ['', ''] });
  });

  test('sets no label that is cut short', async () => {
    const { told, files } = await written('w'.repeat(5000), '');
    expect([told.split(' ')[0], files]).toEqual(['set', ['', '']]);
    expect(told).toContain('set AppArmor profile');
  });

  test.each([
    ['apparmorProfile', 'holdfast-absent', 'set AppArmor profile'],
    ['selinuxLabel', 'no label at all', 'set SELinux label'],
    ['mountLabel', 'no label at all', 'set mount label'],
  ])('starts nothing when the kernel does not take the %s', async (field, value, stageName) => {
    const launcher = createShimLauncher(buildPath('holdfast-shim'));
    const common = {
      birthGroup: null,
      shimGroupFiles: [],
      users: 'private',
      network: 'private',
      processes: 'own',
      ipc: 'private',
    } as const;
    const ids = { idBase: 1_048_576, idCount: 65_536 };
    const spec = {
      ...common,
      ...ids,
      volumes: [],
      mode: 'sandbox',
      hostname: 'labels',
      sysctls: [],
    } as const;
    const { started: made } = await launcher.start(spec, async () => undefined);
    const holder = await made;
    try {
      const sandbox = {
        ...{ id: 'pod', labels: {}, hostname: 'labels', network: 'private' as const, idBase: ids.idBase, bootId: '' },
        ...{ logPaths: [], holder: holder.process },
      };
      const rootDir = await mkdtemp(join(directory, 'root-'));
      const ground = { cgroups: stage.cgroups, sandbox, holder: holder.process, rootDir, exitPath: join(rootDir, 'e') };
      const log = { path: join(rootDir, 'log'), maxBytes: 1000, maxFiles: 1 };
      const launch = await launchOf(stage.spec('true', { log }), ground);
      const asked = { ...launch, birthGroup: null, shimGroupFiles: [], groupFiles: [], [field]: value };
      const { started } = await launcher.start(asked, async () => undefined);
      await expect(started).rejects.toMatchObject({ stage: stageName });
    } finally {
      process.kill(holder.process.pid, 'SIGKILL');
    }
  });
});

test('a container is not started with a profile this kernel would not hold it to', async () => {
  await stage.sandbox();
  const spec = stage.spec('true', { process: { apparmorProfile: 'holdfast-absent' } });
  await expect(stage.backend.startContainer(spec)).rejects.toMatchObject({ stage: 'check labels' });
});
