import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createExecutor } from '../../agent/execute/executor.ts';
import { type PodFileRoots, podPaths, preparePodFiles } from '../../agent/execute/pod-files.ts';
import { createSeccompProfiles } from '../../agent/execute/seccomp-profiles.ts';
import { materialOf } from '../../agent/material/material.ts';
import { createFakeBackend, type FakeBackend } from '../fakes/fake-backend.ts';
import { createFakeImages } from '../fakes/fake-images.ts';
import { makeTempDir, type TempDir } from '../world/temp-dir.ts';
import { podOf } from './containers.ts';

const ID = 'default_web_0_abc';

let directory: TempDir;
let roots: PodFileRoots;

beforeEach(async () => {
  directory = await makeTempDir();
  roots = { stateDir: join(directory.path, 'state'), runDir: join(directory.path, 'run') };
});
afterEach(() => directory.remove());

const at = (name: string): string => join(directory.path, name);
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;
const prepare = (spec: string): ReturnType<typeof preparePodFiles> =>
  preparePodFiles(roots, ID, { namespace: 'default', pod: podOf({ spec }) });
const entries = (path: string): Promise<readonly string[]> => readdir(path).catch(() => []);

describe('the files of a pod', () => {
  test('say who and where it is', async () => {
    const { files } = await prepare('hostname: front');
    expect(Object.keys(files)).toEqual(['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);
    expect(await readFile(files['/etc/hostname'] ?? '', 'utf8')).toBe('front\n');
    expect(await readFile(files['/etc/hosts'] ?? '', 'utf8')).toContain('127.0.0.1\tlocalhost front\n');
    expect(await modeOf(join(roots.stateDir, 'pods', ID))).toBe(0o700);
  });

  test("have the node's resolvers on the node's network", async () => {
    const { files } = await prepare('hostNetwork: true');
    const [ours, nodes] = await Promise.all(
      [files['/etc/resolv.conf'] ?? '', '/etc/resolv.conf'].map((path) => readFile(path, 'utf8').catch(() => '')),
    );
    expect(ours).toBe(nodes);
  });

  test('may be made again, and keep what is in the volumes', async () => {
    const { volumes } = await prepare('volumes: [{ name: a, emptyDir: {} }]');
    await writeFile(join(volumes.a ?? '', 'kept'), 'x');
    expect(await prepare('volumes: [{ name: a, emptyDir: {} }]')).toEqual({ volumes, files: expect.anything() });
    expect(await entries(volumes.a ?? '')).toEqual(['kept']);
  });

  test('are open to every user of the pod, below directories closed to every user of the node', async () => {
    const { volumes } = await prepare(
      'volumes: [{ name: a, emptyDir: {} }, { name: m, emptyDir: { medium: Memory } }]',
    );
    // What is in memory is of the pod, and nowhere on the node.
    expect(volumes).toEqual({ a: join(roots.stateDir, 'pods', ID, 'volumes', 'a') });
    for (const path of Object.values(volumes)) {
      expect([await modeOf(path), await modeOf(join(path, '..')), await modeOf(join(path, '../..'))]).toEqual([
        0o777, 0o700, 0o700,
      ]);
    }
  });
});

describe('a hostPath', () => {
  const hostPath = (path: string, type: string): Promise<unknown> =>
    prepare(`volumes: [{ name: e, emptyDir: {} }, { name: h, hostPath: { path: ${path}, type: "${type}" } }]`);

  beforeEach(async () => {
    await mkdir(at('dir'));
    await writeFile(at('file'), 'content', { mode: 0o600 });
  });

  test.each([
    ['dir', ''],
    ['file', ''],
    ['dir', 'Directory'],
    ['file', 'File'],
    ['dir', 'DirectoryOrCreate'],
    ['new/deep', 'DirectoryOrCreate'],
    ['file', 'FileOrCreate'],
    ['new-file', 'FileOrCreate'],
  ])('%s may be a %s', async (name, type) => {
    await hostPath(at(name), type);
    const made = await stat(at(name));
    expect([made.isDirectory(), made.isFile()]).toContain(true);
    expect([await readFile(at('file'), 'utf8'), await modeOf(at('file'))]).toEqual(['content', 0o600]);
  });

  test('may be a socket', async () => {
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    await hostPath(at('socket'), 'Socket');
    await new Promise((resolve) => server.close(resolve));
  });

  test.each([
    ['file', 'Directory', /is not a Directory$/],
    ['dir', 'File', /is not a File$/],
    ['file', 'Socket', /is not a Socket$/],
    ['none', '', /does not exist on this node; make it, or use DirectoryOrCreate$/],
    ['none', 'Directory', /does not exist/],
    ['file', 'DirectoryOrCreate', /EEXIST/],
    ['file/x', 'DirectoryOrCreate', /ENOTDIR/],
    ['dir', 'FileOrCreate', /EISDIR/],
    ['none/file', 'FileOrCreate', /ENOENT/],
  ])('%s is refused as a %s, and leaves nothing behind', async (name, type, message) => {
    await expect(hostPath(at(name), type)).rejects.toEqual(
      expect.objectContaining({ code: 'host-path', message: expect.stringMatching(message) }),
    );
    expect(await entries(roots.stateDir)).toEqual([]);
  });

  describe('that leads through a symbolic link', () => {
    beforeEach(async () => {
      await symlink('/etc', at('dir/link'));
      await symlink(at('nowhere'), at('dir/dangling'));
    });

    test.each([
      ['dir/link', ''],
      ['dir/link', 'Directory'],
      ['dir/link/made', 'DirectoryOrCreate'],
      ['dir/link/made', 'FileOrCreate'],
      ['dir/link/passwd', 'File'],
      ['dir/dangling', 'FileOrCreate'],
      ['dir/dangling/made', 'DirectoryOrCreate'],
    ])('is refused: %s as %j', async (name, type) => {
      await expect(hostPath(at(name), type)).rejects.toThrow(
        /hostPath volume h: .*\/dir\/(link|dangling) is a symbolic link/,
      );
      expect(await entries('/etc')).not.toContain('made');
      expect(await entries(directory.path)).not.toContain('nowhere');
    });
  });
});

describe('removing a pod', () => {
  let backend: FakeBackend;
  const NO_MATERIAL = { nodeName: 'n', inputKey: new Uint8Array(32), material: { at: async () => materialOf([]) } };
  let remove: () => Promise<void>;
  let outside: string;

  beforeEach(async () => {
    backend = createFakeBackend({ clock: { now: () => 0 } });
    const logs = { dir: at('logs'), maxBytes: 1, maxFiles: 1 };
    const profiles = createSeccompProfiles('/nowhere');
    const ports = { backend, images: createFakeImages(), roots, logs, profiles, memoryBytes: 1, ...NO_MATERIAL };
    const execute = createExecutor(ports, () => undefined);
    remove = () => execute({ kind: 'remove-pod', workload: 'default/web', pod: ID, reason: '' });
    outside = at('outside');
    await mkdir(outside);
    await writeFile(join(outside, 'kept'), 'x');
    await mkdir(join(logs.dir, ID), { recursive: true });
    await writeFile(join(logs.dir, ID, 'app.log'), 'x');
    await backend.createSandbox({ id: ID, labels: {}, hostname: 'web', network: 'private', users: 'private' });
  });

  const left = async (): Promise<readonly string[]> =>
    (await Promise.all([join(roots.stateDir, 'pods'), join(roots.runDir, 'pods'), at('logs')].map(entries))).flat();

  test('removes its files and logs, and follows no link that its containers made', async () => {
    const { volumes } = await prepare(
      'volumes: [{ name: a, emptyDir: {} }, { name: m, emptyDir: { medium: Memory } }]',
    );
    await symlink(outside, join(volumes.a ?? '', 'link'));
    await symlink(outside, join(at('logs'), ID, 'link'));
    await remove();
    expect(await left()).toEqual([]);
    expect(await entries(outside)).toEqual(['kept']);
  });

  test('is not stopped by directories deeper than a path may be long', async () => {
    const { volumes } = await prepare('volumes: [{ name: a, emptyDir: {} }]');
    // Only a program that changes into each directory can make them.
    const script = 'for (1..40) { mkdir "d" x 200; chdir "d" x 200 or die }';
    execFileSync('perl', ['-e', script], { cwd: volumes.a });
    await remove();
    expect(await left()).toEqual([]);
  });

  test('ends every container first, and the sandbox last, so that an interrupted removal is found again', async () => {
    await prepare('volumes: [{ name: a, emptyDir: {} }]');
    backend.failNext('removeSandbox', new Error('the agent died'));
    await expect(remove()).rejects.toThrow('the agent died');
    expect(await left()).toEqual([]);
    expect((await backend.observe()).sandboxes.map(({ id }) => id)).toEqual([ID]);
    await remove();
    expect((await backend.observe()).sandboxes).toEqual([]);
  });

  test("leaves the node's own paths alone", async () => {
    await prepare(`volumes: [{ name: h, hostPath: { path: ${outside} } }]`);
    expect(
      podPaths(roots, ID, {
        namespace: 'default',
        pod: podOf({ spec: `volumes: [{ name: h, hostPath: { path: ${outside} } }]` }),
      }).volumes,
    ).toEqual({
      h: outside,
    });
    await remove();
    expect(await entries(outside)).toEqual(['kept']);
  });
});
