import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerSpec, OciMount, SandboxVolume } from '../../native/index.ts';
import { type ContainerStage, openContainerStage, type Run, readLog } from './container-stage.ts';

let stage: ContainerStage;

beforeEach(async () => {
  stage = await openContainerStage();
});
afterEach(() => stage.close());

const MEMORY: SandboxVolume = { name: 'cache', maxBytes: 64 * 1024, gid: 77, mode: 0o2777, isSwappable: true };
const FILES: SandboxVolume = { name: 'files', maxBytes: 1024 * 1024, gid: 0, mode: 0o755, isSwappable: false };

const volume = (source: string, options: readonly string[], subPath?: string): OciMount => ({
  ...{ destination: '/v', type: 'volume', source, options },
  ...(subPath === undefined ? {} : { subPath }),
});
const bind = (source: string, options: readonly string[], subPath?: string): OciMount => ({
  ...volume(source, ['idmap', ...options], subPath),
  type: 'bind',
});
let count = 0;
const specOf = (script: string, mounts: readonly OciMount[]): ContainerSpec => {
  count += 1;
  const spec = stage.spec(script, { name: `c${count}` });
  return { ...spec, config: { ...spec.config, mounts } };
};
const run = async (script: string, ...mounts: readonly OciMount[]): Promise<Run> => {
  const spec = specOf(script, mounts);
  await stage.backend.startContainer(spec);
  const exit = await stage.exited(spec.name);
  return { exit, stdout: await readLog(spec, 'stdout'), stderr: await readLog(spec, 'stderr') };
};
const failure = (...mounts: readonly OciMount[]): Promise<string> =>
  stage.backend.startContainer(specOf('true', mounts)).then(
    () => 'started',
    (error) => error.errno ?? error.code,
  );

describe('a volume of the sandbox', () => {
  test('is a tmpfs of its size, the group’s, and outlives the containers that use it', async () => {
    await stage.sandbox({ volumes: [MEMORY] });
    const first = await run(
      'stat -c "%u %g %a" /v; echo kept > /v/file; head -c 200000 /dev/zero > /v/big 2>/dev/null; stat -c %s /v/big',
      volume('cache', ['rw']),
    );
    expect(first.stdout).toEqual(['0 77 2777', expect.stringMatching(/^[1-6]\d{4}$/)]);
    const second = await run(
      'cat /v/file; stat -c %g /v/file; grep " /v " /proc/mounts',
      volume('cache', ['ro', 'noexec']),
    );
    expect(second.stdout.slice(0, 2)).toEqual(['kept', '77']);
    expect(second.stdout[2]).toMatch(/tmpfs ro,.*noexec,.*size=64k/);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain('size=64k');
  });

  test('is written to by the node, whose files are the pod’s', async () => {
    await stage.sandbox({ volumes: [FILES] });
    const { path, idBase } = await stage.backend.volumeDirectory('pod', 'files');
    await writeFile(join(path, 'secret'), 'hush', { mode: 0o640 });
    await chown(join(path, 'secret'), idBase, idBase + 5);
    await symlink('secret', join(path, 'link'));
    const { stdout, stderr } = await run(
      'stat -c "%u %g %a" /v/secret; cat /v/link; echo x > /v/secret',
      volume('files', ['ro']),
    );
    expect([stdout, stderr.join()]).toEqual([['0 5 640', 'hush'], expect.stringContaining('Read-only')]);
    expect((await run('cat /v', volume('files', ['ro'], 'link'))).stdout).toEqual(['hush']);
    expect(await failure(volume('files', ['ro'], 'missing'))).toBe('ENOENT');
  });

  test('cannot be had of a sandbox that is dead or has none of that name', async () => {
    await stage.sandbox({ volumes: [FILES] });
    expect(await failure(volume('other', ['rw']))).toBe('ENOENT');
    await stage.backend.removeSandbox('pod');
    await expect(stage.backend.volumeDirectory('pod', 'files')).rejects.toMatchObject({ code: 'not-found' });
    await expect(stage.sandbox({ volumes: [FILES, FILES] })).rejects.toMatchObject({ code: 'invalid-spec' });
    await expect(stage.sandbox({ volumes: [{ ...FILES, name: '../x' }] })).rejects.toMatchObject({
      code: 'invalid-spec',
    });
  });
});

describe('a path below a volume', () => {
  test.each([['disk'], ['memory']])('on %s is made as the owner of the volume would', async (medium) => {
    await stage.sandbox({ volumes: [MEMORY] });
    const data = join(stage.directory, 'data');
    await mkdir(data, { mode: 0o700 });
    await chown(data, 0, 77);
    execFileSync('chmod', ['2770', data]);
    const at = (path: string): OciMount =>
      medium === 'disk' ? bind(data, ['rw', 'make-path'], path) : volume('cache', ['rw', 'make-path'], path);
    const made = await run('stat -c "%u %g" /v; echo x > /v/file', at('a/b/c'));
    expect([made.stdout, made.stderr]).toEqual([['0 77'], []]);
    expect((await run('cat /v/c/file', at('a/b'))).stdout).toEqual(['x']);
    expect((await run('cat /v', at('a/b/c/file'))).stdout).toEqual(['x']);
  });

  test('leads out of it neither by a link nor by its name', async () => {
    await stage.sandbox();
    const [data, outside] = [join(stage.directory, 'data'), join(stage.directory, 'outside')];
    await mkdir(join(data, 'real'), { recursive: true });
    await mkdir(outside);
    await symlink(outside, join(data, 'absolute'));
    await symlink('../outside', join(data, 'relative'));
    await symlink('/proc/self/root', join(data, 'magic'));
    await symlink('real', join(data, 'within'));
    const tried = ['absolute', 'relative', 'absolute/made', 'relative/made', 'magic/etc'];
    for (const path of tried)
      expect([path, await failure(bind(data, ['rw', 'make-path'], path))]).toEqual([path, 'EXDEV']);
    expect(await failure(bind(data, ['rw', 'make-path'], 'within/made'))).toBe('started');
    expect((await stat(join(data, 'real/made'))).isDirectory()).toBe(true);
    for (const path of ['..', 'a/../..', './a', '/a'])
      expect(await failure(bind(data, ['rw'], path))).toBe('invalid-spec');
    expect(execFileSync('ls', [outside], { encoding: 'utf8' })).toBe('');
  });
});

describe('the source of a bind', () => {
  test('is what it has to be, and reached through no link', async () => {
    await stage.sandbox();
    const [data, file, link] = ['data', 'file', 'link'].map((name) => join(stage.directory, name));
    await mkdir(data ?? '');
    await writeFile(file ?? '', '');
    await symlink('data', link ?? '');
    expect(await failure(bind(link ?? '', ['strict']))).toBe('ELOOP');
    expect(await failure(bind(`${link}/x`, ['strict']))).toBe('ELOOP');
    expect(await failure(bind(link ?? '', ['ro']))).toBe('started');
    expect(await failure(bind(file ?? '', ['strict', 'directory']))).toBe('ENOTDIR');
    expect(await failure(bind(data ?? '', ['strict', 'file']))).toBe('EISDIR');
    expect(await failure(bind(data ?? '', ['strict', 'socket']))).toBe('ENOTSOCK');
    expect(await failure(bind(data ?? '', ['strict', 'directory']))).toBe('started');
  });

  describe('with mounts in it', () => {
    let shared: string;
    beforeEach(async () => {
      shared = join(stage.directory, 'shared');
      const other = join(stage.directory, 'other');
      await mkdir(join(shared, 'below'), { recursive: true });
      await chmod(shared, 0o1777);
      await mkdir(other);
      await writeFile(join(other, 'deep'), 'deep');
      // Not on a tmpfs, whose ids Linux 6.1 cannot map.
      execFileSync('mount', ['--bind', shared, shared]);
      execFileSync('mount', ['--make-shared', shared]);
      execFileSync('mount', ['--bind', other, join(shared, 'below')]);
    });
    afterEach(async () => {
      execFileSync('umount', ['-R', shared]);
      await rm(shared, { recursive: true });
    });
    const privileged = async (script: string, options: readonly string[]): Promise<Run> => {
      const spec = specOf(script, [
        { destination: '/v', type: 'bind', source: shared, options: ['rbind', ...options] },
      ]);
      const process = { ...spec.config.process, capabilities: ['CAP_SYS_ADMIN'] };
      await stage.backend.startContainer({ ...spec, config: { ...spec.config, process } });
      const exit = await stage.exited(spec.name);
      return { exit, stdout: await readLog(spec, 'stdout'), stderr: await readLog(spec, 'stderr') };
    };
    const mountsOfNode = async (): Promise<number> =>
      (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(`${shared}/made`))
        .length;

    test('is read-only all the way down', async () => {
      await stage.sandbox();
      const { stdout, stderr } = await run('cat /v/below/deep; echo x > /v/below/deep', bind(shared, ['ro', 'rbind']));
      expect([stdout, stderr.join()]).toEqual([['deep'], expect.stringContaining('Read-only')]);
    });

    test.each(['private', 'host'] as const)(
      'shows nothing of its container’s mounts on the node (%s users)',
      async (users) => {
        await stage.sandbox({ users });
        const { stdout } = await privileged('mkdir /v/made; mount -t tmpfs x /v/made && echo mounted', ['rw']);
        expect(stdout).toEqual(['mounted']);
        expect(await mountsOfNode()).toBe(0);
      },
    );

    test('shares its mounts where that is asked for', async () => {
      await stage.sandbox({ users: 'host' });
      await privileged('mkdir /v/made; mount -t tmpfs x /v/made', ['rw', 'rshared']);
      expect(await mountsOfNode()).toBe(1);
    });

    test('shows mounts made on the node later, where that is asked for', async () => {
      await stage.sandbox();
      for (const [options, expected] of [
        [['rslave'], 'later'],
        [[], ''],
      ] as const) {
        const spec = specOf('while ! test -e /v/go; do sleep 0.02; done; cat /v/made/file 2>/dev/null', [
          bind(shared, ['rbind', 'rw', ...options]),
        ]);
        await stage.backend.startContainer(spec);
        await mkdir(join(shared, 'made'), { recursive: true });
        execFileSync('mount', ['-t', 'tmpfs', 'holdfast-test', join(shared, 'made')]);
        await writeFile(join(shared, 'made/file'), 'later');
        await writeFile(join(shared, 'go'), '');
        await stage.exited(spec.name);
        expect((await readLog(spec, 'stdout')).join()).toBe(expected);
        execFileSync('umount', [join(shared, 'made')]);
        await rm(join(shared, 'go'));
      }
    });
  });
});
