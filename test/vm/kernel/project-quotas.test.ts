import { execFile } from 'node:child_process';
import { mkdir, open, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openClaims } from '../../../agent/execute/claims.ts';
import { emptyDirPath, type PodFileRoots, preparePodFiles, removePodFiles } from '../../../agent/execute/pod-files.ts';
import { createVolumeQuotas, FIRST_PROJECT, type VolumeQuotas } from '../../../agent/execute/volume-quotas.ts';
import { openProjectQuotas, type ProjectQuotas } from '../../../native/index.ts';
import { CLAIM, MIB } from '../../execute/claim.ts';
import { podOf } from '../../execute/containers.ts';
import { type ContainerStage, openContainerStage, type Run } from '../../native/container-stage.ts';
import { makeTempDir, type TempDir } from '../../world/temp-dir.ts';

const run = promisify(execFile);

const LEAVE_SOURCE = join(import.meta.dirname, 'leave-project.c');

let temporary: TempDir;
let stage: ContainerStage;
/** Where a file system of the test's own is mounted. */
let volumes: string;
let projects: ProjectQuotas;
let quotas: VolumeQuotas;

beforeEach(async () => {
  temporary = await makeTempDir();
  stage = await openContainerStage();
  volumes = join(temporary.path, 'volumes');
  await mkdir(volumes);
  const image = join(temporary.path, 'image');
  await writeFile(image, '');
  await truncate(image, 64 * MIB);
  await run('mke2fs', ['-q', '-t', 'ext4', '-O', 'quota,project', '-E', 'quotatype=prjquota', image]);
  await run('mount', ['-o', 'loop,prjquota', image, volumes]);
  projects = openProjectQuotas(volumes);
  quotas = createVolumeQuotas(projects);
});

afterEach(async () => {
  await stage.close();
  await run('umount', [volumes]);
  await temporary.remove();
});

/** Runs a script as root of a pod of its own, with a directory at /v. */
async function runWith(source: string, script: string): Promise<Run> {
  await stage.sandbox();
  const mounts = [{ destination: '/v', type: 'bind', source, options: ['rw', 'idmap', 'nosuid', 'nodev'] } as const];
  return stage.run(script, { config: { mounts } });
}

async function projectAt(path: string): Promise<number> {
  const file = await open(path);
  try {
    return projects.projectOf(file.fd);
  } finally {
    await file.close();
  }
}

describe('a claim on ext4 with project quotas', () => {
  test('stops a container that writes more than it asked for, and nobody else', async () => {
    const claims = openClaims(volumes, quotas);
    await claims.create(CLAIM);
    await claims.create({ ...CLAIM, name: 'other' });
    const { stdout, stderr, exit } = await runWith(
      claims.path('shop', 'data'),
      'mkdir -p /v/sub; dd if=/dev/zero of=/v/sub/big bs=64k count=64; echo $?; stat -f -c %b /v; stat -c %s /v/sub/big',
    );
    expect(stderr.join('\n')).toContain('Disk quota exceeded');
    const [status, , size] = stdout;
    expect([status, exit.code]).toEqual(['1', 0]);
    expect(Number(size)).toBeGreaterThan(MIB / 2);
    expect(Number(size)).toBeLessThanOrEqual(MIB);
    const usage = quotas.usage(claims.path('shop', 'data'));
    expect(usage?.limitBytes).toBe(MIB);
    expect(usage?.usedBytes).toBeLessThanOrEqual(MIB);
    await writeFile(join(claims.path('shop', 'other'), 'file'), Buffer.alloc(MIB / 2));
    expect(await claims.list()).toEqual([CLAIM, { ...CLAIM, name: 'other' }]);
  });

  test('grows when it asks for more', async () => {
    const claims = openClaims(volumes, quotas);
    await claims.create(CLAIM);
    await claims.create({ ...CLAIM, storageBytes: 4 * MIB });
    const { stdout } = await runWith(claims.path('shop', 'data'), 'dd if=/dev/zero of=/v/big bs=64k count=32; echo $?');
    expect(stdout).toEqual(['0']);
  });

  test('cannot be left by the root of a pod', async () => {
    await run('musl-gcc', [
      '-static',
      '-idirafter',
      '/usr/include',
      '-idirafter',
      await kernelHeaders(),
      '-o',
      join(stage.layer, 'bin/leave-project'),
      LEAVE_SOURCE,
    ]);
    const claims = openClaims(volumes, quotas);
    await claims.create(CLAIM);
    const { stdout } = await runWith(
      claims.path('shop', 'data'),
      'mkdir /v/d; echo x > /v/f; leave-project /v /v/d /v/f',
    );
    expect(stdout).toHaveLength(9);
    // A file inherits nothing anyway: nothing changes for it.
    expect(stdout.slice(0, -1).filter((line) => line.endsWith('done'))).toEqual([]);
    for (const name of ['', 'd', 'f'])
      expect(await projectAt(join(claims.path('shop', 'data'), name))).toBe(FIRST_PROJECT);
  });

  test('counts what was in it before quotas were, and keeps its project over a mount', async () => {
    await openClaims(volumes).create(CLAIM);
    const data = openClaims(volumes).path('shop', 'data');
    await mkdir(join(data, 'deep/er'), { recursive: true });
    await writeFile(join(data, 'deep/er/file'), Buffer.alloc(MIB / 2, 1));
    const claims = openClaims(volumes, quotas);
    expect(await claims.list()).toEqual([{ ...CLAIM, isLoose: true }]);
    await claims.create(CLAIM);
    expect(await claims.list()).toEqual([CLAIM]);
    expect(quotas.usage(data)?.usedBytes).toBeGreaterThanOrEqual(MIB / 2);
    await run('umount', [volumes]);
    await run('mount', ['-o', 'loop,prjquota', join(temporary.path, 'image'), volumes]);
    const after = createVolumeQuotas(openProjectQuotas(volumes));
    expect([await projectAt(data), after.usage(data)?.limitBytes]).toEqual([FIRST_PROJECT, MIB]);
  });

  test('gives its project to nobody before the last of its files is gone', async () => {
    const claims = openClaims(volumes, quotas);
    await claims.create(CLAIM);
    const path = join(claims.path('shop', 'data'), 'held');
    await writeFile(path, Buffer.alloc(4_096));
    const held = await open(path);
    await claims.remove('shop', 'data');
    const project = async (name: string): Promise<number> => {
      await openClaims(volumes, createVolumeQuotas(projects)).create({ ...CLAIM, name });
      return projectAt(claims.path('shop', name));
    };
    expect(await project('first')).toBe(FIRST_PROJECT + 1);
    await held.close();
    expect(await project('second')).toBe(FIRST_PROJECT);
    expect(projects.usage(FIRST_PROJECT).limitBytes).toBe(MIB);
  });
});

describe('an emptyDir with a size limit', () => {
  test('on a disk stops a container that writes more, and leaves no project', async () => {
    const roots: PodFileRoots = { stateDir: volumes, runDir: join(temporary.path, 'run'), quotas };
    const pod = podOf({ spec: 'volumes: [{ name: scratch, emptyDir: { sizeLimit: 1Mi } }]' });
    await preparePodFiles(roots, 'pod', { namespace: 'default', pod });
    const path = emptyDirPath(roots, 'pod', 'scratch');
    const { stderr } = await runWith(path, 'dd if=/dev/zero of=/v/big bs=64k count=64');
    expect(stderr.join('\n')).toContain('Disk quota exceeded');
    await stage.backend.removeSandbox('pod');
    await removePodFiles(roots, 'pod');
    expect(projects.usage(FIRST_PROJECT)).toEqual({ usedBytes: 0, usedInodes: 0, limitBytes: 0 });
    expect(await readdir(join(volumes, 'pods'))).toEqual([]);
  });
});

describe('a file system that counts by project and holds none to a limit', () => {
  test('says how to have it hold them', async () => {
    await run('umount', [volumes]);
    await run('mount', ['-o', 'loop', join(temporary.path, 'image'), volumes]);
    expect(openProjectQuotas(volumes).support()).toBe('counted');
    expect(createVolumeQuotas(openProjectQuotas(volumes)).obstacle()).toContain('prjquota');
  });
});

async function kernelHeaders(): Promise<string> {
  const { stdout } = await run('gcc', ['-print-multiarch']);
  return join('/usr/include', stdout.trim());
}
