import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerSpec, ExecSpec, OciMount, SandboxSpec, SandboxVolume } from '../../native/index.ts';
import { containerSpec } from './container-programs.ts';
import { type ContractStage, LIMITS } from './contract-stage.ts';
import { mounting, reading, writing } from './volume-programs.ts';

const KIB = 1024;
const CACHE: SandboxVolume = { name: 'cache', maxBytes: 64 * KIB, gid: 0, mode: 0o755, isSwappable: true };
const FILES: SandboxVolume = { name: 'files', maxBytes: 1024 * KIB, gid: 0, mode: 0o755, isSwappable: false };

/** What the contract says about mounts and volumes. */
export function volumeContract(stage: ContractStage): void {
  /** A directory of the node, empty. */
  let node: string;

  beforeEach(async () => {
    node = join(stage.ground.directory, 'node');
    await mkdir(node, { recursive: true });
  });

  const bind = (name: string, options: readonly string[], subPath?: string): OciMount => ({
    ...{ destination: '/v', type: 'bind', source: join(node, name), options: ['idmap', ...options] },
    ...(subPath === undefined ? {} : { subPath }),
  });
  const volume = (source: string, options: readonly string[], subPath?: string): OciMount => ({
    ...{ destination: '/v', type: 'volume', source, options },
    ...(subPath === undefined ? {} : { subPath }),
  });
  const sandbox = (changes: Partial<SandboxSpec> = {}): Promise<void> =>
    stage.backend.createSandbox({ ...stage.sandbox, ...changes });
  const specWith = (mounts: readonly OciMount[], name = 'app', capabilities: readonly string[] = []): ContainerSpec => {
    const { id: sandboxId } = stage.sandbox;
    const spec = containerSpec({ sandboxId, name, program: 'polite', limits: LIMITS, ground: stage.ground });
    const { config } = spec;
    return { ...spec, config: { ...config, mounts, process: { ...config.process, capabilities } } };
  };
  const start = async (mounts: readonly OciMount[], name?: string): Promise<ContainerSpec> => {
    const spec = specWith(mounts, name);
    await stage.backend.startContainer(spec);
    return spec;
  };
  const run = async (container: ContainerSpec, program: ExecSpec): Promise<string> => {
    const session = await stage.backend.execContainer(container, program);
    session.stderr.resume();
    const [stdout, { code }] = await Promise.all([text(session.stdout), session.exited]);
    return code === 0 ? stdout : 'failed';
  };
  const refused = async (mount: OciMount, expected: object): Promise<void> => {
    await expect(start([mount])).rejects.toMatchObject(expected);
    expect((await stage.observedSandbox())?.containers).toEqual([]);
  };

  describe('a bind', () => {
    test('shows a directory of the node, to be written to unless it is read-only', async () => {
      await sandbox();
      await mkdir(join(node, 'data'));
      await writeFile(join(node, 'data/file'), 'node');
      const writer = await start([bind('data', ['rw'])], 'writer');
      const reader = await start([bind('data', ['ro'])], 'reader');
      expect(await run(writer, reading('/v/file'))).toBe('node');
      expect(await run(writer, writing('/v/file', 'writer'))).toBe('');
      expect(await run(reader, writing('/v/file', 'reader'))).toBe('failed');
      expect(await run(reader, reading('/v/file'))).toBe('writer');
      expect(await readFile(join(node, 'data/file'), 'utf8')).toBe('writer');
    });

    test('shows a single file', async () => {
      await sandbox();
      await writeFile(join(node, 'file'), 'node');
      const container = await start([bind('file', ['ro', 'strict', 'file'])]);
      expect(await run(container, reading('/v'))).toBe('node');
      expect(await run(container, writing('/v', 'other'))).toBe('failed');
    });

    test('lies over what is mounted above it', async () => {
      await sandbox();
      for (const name of ['outer', 'inner']) {
        await mkdir(join(node, name));
        await writeFile(join(node, name, 'file'), name);
      }
      await mkdir(join(node, 'outer/below'));
      const inner = { ...bind('inner', ['ro']), destination: '/v/below' };
      const container = await start([bind('outer', ['ro']), inner]);
      expect(await run(container, reading('/v/file'))).toBe('outer');
      expect(await run(container, reading('/v/below/file'))).toBe('inner');
    });

    test.each([
      ['none', [], 'ENOENT'],
      ['link', ['strict'], 'ELOOP'],
      ['link/below', ['strict'], 'ELOOP'],
      ['file', ['directory'], 'ENOTDIR'],
      ['data', ['file'], 'EISDIR'],
      ['data', ['socket'], 'ENOTSOCK'],
    ] as const)('of %s as %j is refused with %s, and nothing is left', async (name, options, errno) => {
      await sandbox();
      await mkdir(join(node, 'data/below'), { recursive: true });
      await writeFile(join(node, 'file'), '');
      await symlink('data', join(node, 'link'));
      await refused(bind(name, options), { code: 'kernel', errno, stage: expect.stringMatching(/volume/) });
    });

    test('may be of a socket', async () => {
      await sandbox();
      const server = createServer().listen(join(node, 'socket'));
      await new Promise((resolve) => server.once('listening', resolve));
      await start([bind('socket', ['rw', 'strict', 'socket'])]);
      await new Promise((resolve) => server.close(resolve));
    });
  });

  describe('a volume of the sandbox', () => {
    test('holds as much as its size, and outlives the containers that use it', async () => {
      await sandbox({ volumes: [CACHE] });
      const first = await start([volume('cache', ['rw'])], 'first');
      expect(await run(first, writing('/v/kept', 'kept'))).toBe('');
      expect(await run(first, writing('/v/much', 'x'.repeat(100 * KIB)))).toBe('failed');
      await stage.backend.removeContainer(first);
      const second = await start([volume('cache', ['ro'])], 'second');
      expect(await run(second, reading('/v/kept'))).toBe('kept');
      expect(await run(second, writing('/v/kept', 'x'))).toBe('failed');
    });

    test('is written to by the node while it is in use', async () => {
      await sandbox({ volumes: [FILES] });
      const container = await start([volume('files', ['ro'])]);
      const { path } = await stage.backend.volumeDirectory(stage.sandbox.id, 'files');
      for (const level of ['info', 'debug']) {
        await writeFile(join(path, 'new'), level);
        await rename(join(path, 'new'), join(path, 'level'));
        expect(await run(container, reading('/v/level'))).toBe(level);
      }
    });

    test('is there for the agent that comes after another', async () => {
      await sandbox({ volumes: [FILES] });
      const container = await start([volume('files', ['rw'])]);
      expect(await run(container, writing('/v/file', 'container'))).toBe('');
      const next = await stage.ground.reopen();
      const { path } = await next.volumeDirectory(stage.sandbox.id, 'files');
      expect(await readFile(join(path, 'file'), 'utf8')).toBe('container');
    });

    test('is refused by a name that the sandbox has not, and gone with the sandbox', async () => {
      await sandbox({ volumes: [FILES] });
      await refused(volume('other', ['rw']), { code: 'kernel', errno: 'ENOENT' });
      const { id } = stage.sandbox;
      await stage.backend.removeSandbox(id);
      await expect(stage.backend.volumeDirectory(id, 'files')).rejects.toMatchObject({ code: 'not-found' });
      await sandbox({ volumes: [FILES] });
      const { path } = await stage.backend.volumeDirectory(id, 'files');
      expect(await readdir(path)).toEqual([]);
    });

    test.each([
      [[FILES, FILES]],
      [[{ ...FILES, name: '../x' }]],
      [[{ ...FILES, maxBytes: 0 }]],
      [[{ ...FILES, gid: -1 }]],
      [[{ ...FILES, mode: 0o10000 }]],
    ])('is refused when it cannot be one: %j', async (volumes) => {
      await expect(sandbox({ volumes })).rejects.toMatchObject({ code: 'invalid-spec' });
      expect(await stage.observedSandbox()).toBeUndefined();
    });
  });

  describe('a file system in memory', () => {
    test('holds as much as its size, and is gone with its container', async () => {
      await sandbox();
      const scratch: OciMount = { destination: '/v', type: 'tmpfs', source: '', options: ['rw', 'size=64k'] };
      const container = await start([scratch]);
      expect(await run(container, writing('/v/file', 'kept'))).toBe('');
      expect(await run(container, writing('/v/much', 'x'.repeat(100 * KIB)))).toBe('failed');
      await stage.backend.removeContainer(container);
      expect(await run(await start([scratch]), reading('/v/file'))).toBe('failed');
    });
  });

  describe('a path below a volume', () => {
    beforeEach(async () => {
      await sandbox({ volumes: [FILES] });
      await mkdir(join(node, 'data/real'), { recursive: true });
      await mkdir(join(node, 'outside'));
      await writeFile(join(node, 'data/real/file'), 'real');
      await writeFile(join(node, 'outside/file'), 'outside');
    });

    test('is all that is mounted, and is made where that is asked for', async () => {
      const there = await start([bind('data', ['rw'], 'real')], 'there');
      expect(await run(there, reading('/v/file'))).toBe('real');
      const made = await start([bind('data', ['rw', 'make-path'], 'new/deep')], 'made');
      expect(await run(made, writing('/v/file', 'made'))).toBe('');
      expect(await readFile(join(node, 'data/new/deep/file'), 'utf8')).toBe('made');
      const inMemory = await start([volume('files', ['rw', 'make-path'], 'a/b')], 'memory');
      expect(await run(inMemory, writing('/v/file', 'memory'))).toBe('');
      const { path } = await stage.backend.volumeDirectory(stage.sandbox.id, 'files');
      expect(await readFile(join(path, 'a/b/file'), 'utf8')).toBe('memory');
    });

    test('that is not there is refused, unless it is to be made', async () => {
      await refused(bind('data', ['rw'], 'none'), { code: 'kernel', errno: 'ENOENT' });
      await refused(volume('files', ['ro'], 'none'), { code: 'kernel', errno: 'ENOENT' });
    });

    test.each([
      ['absolute', '/etc'],
      ['relative', '../outside'],
      ['deep', 'real/../../outside'],
    ])('that is a link which leads out (%s) is refused, and nothing is made there', async (name, target) => {
      await symlink(target, join(node, 'data', name));
      for (const path of [name, `${name}/made`])
        await refused(bind('data', ['rw', 'make-path'], path), { code: 'kernel', errno: 'EXDEV' });
      expect(await readdir(join(node, 'outside'))).toEqual(['file']);
      expect(existsSync('/etc/made')).toBe(false);
    });

    test('may be a link that stays within', async () => {
      await symlink('real', join(node, 'data/within'));
      expect(await run(await start([bind('data', ['ro'], 'within')]), reading('/v/file'))).toBe('real');
    });

    test.each(['..', 'a/../..', './a', '/a', 'a//b'])('is none when it is %j', async (path) => {
      await refused(bind('data', ['rw'], path), { code: 'invalid-spec' });
    });
  });

  describe('what is mounted on the node later', () => {
    const mountLater = async (at: string): Promise<void> => {
      await mkdir(at);
      await stage.ground.mountOn(at, { name: 'file', text: 'later' });
    };

    test('shows where that is asked for, and nowhere else', async () => {
      await sandbox();
      await stage.ground.share(join(node, 'shared'));
      const follower = await start([bind('shared', ['rw', 'rbind', 'rslave'])], 'follower');
      const other = await start([bind('shared', ['rw', 'rbind'])], 'other');
      await mountLater(join(node, 'shared/made'));
      expect(await run(follower, reading('/v/made/file'))).toBe('later');
      expect(await run(other, reading('/v/made/file'))).toBe('failed');
      const late = await start([bind('shared', ['ro', 'rbind'])], 'late');
      expect(await run(late, reading('/v/made/file'))).toBe('later');
      expect(await run(late, writing('/v/made/file', 'x'))).toBe('failed');
    });

    test.each([
      [['rbind', 'rshared'], true],
      [['rbind', 'rslave'], false],
      [['rbind'], false],
    ] as const)('by a container with %j is the node’s too: %j', async (options, isShared) => {
      await sandbox({ users: 'host' });
      await stage.ground.share(join(node, 'shared'));
      const mount: OciMount = {
        destination: '/v',
        type: 'bind',
        source: join(node, 'shared'),
        options: ['rw', ...options],
      };
      const container = specWith([mount], 'app', ['CAP_SYS_ADMIN']);
      await stage.backend.startContainer(container);
      expect(await run(container, mounting('/v/made'))).toBe('');
      expect(await stage.ground.isMountPoint(join(node, 'shared/made'))).toBe(isShared);
    });
  });

  test('removing a sandbox leaves what is the node’s', async () => {
    await sandbox({ volumes: [FILES] });
    await mkdir(join(node, 'data'));
    const container = await start([bind('data', ['rw'])]);
    expect(await run(container, writing('/v/file', 'kept'))).toBe('');
    await stage.backend.removeSandbox(stage.sandbox.id);
    expect(await readFile(join(node, 'data/file'), 'utf8')).toBe('kept');
    expect(await stage.ground.leftovers(stage.sandbox.id)).toEqual([]);
  });
}
