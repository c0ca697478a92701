import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startProgram } from '../../world/program.ts';
import { makeTempDir, type TempDir } from '../../world/temp-dir.ts';
import { collectTraces, newTraces } from './traces.ts';

const RUN = `leaks-${process.pid}`;

describe('what the leak check sees', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await makeTempDir();
  });
  afterEach(() => dir.remove());

  test('a temporary directory', async () => {
    const left = await makeTempDir();
    expect(collectTraces().file).toContain(left.path);
    await left.remove();
    expect(collectTraces().file).not.toContain(left.path);
  });

  test('a mount', () => {
    execFileSync('mount', ['-t', 'tmpfs', 'none', dir.path]);
    const mounted = collectTraces().mount;
    execFileSync('umount', [dir.path]);
    expect(mounted).toContainEqual(expect.stringContaining(dir.path));
    expect(collectTraces().mount).not.toContainEqual(expect.stringContaining(dir.path));
  });

  test('a cgroup', () => {
    const parents = readdirSync('/sys/fs/cgroup').filter((name) => existsSync(`/sys/fs/cgroup/${name}/cgroup.procs`));
    const path = join('/sys/fs/cgroup', parents[0] ?? '', `holdfast-${RUN}`);
    mkdirSync(path);
    const made = collectTraces().cgroup;
    rmdirSync(path);
    expect(made).toContain(path);
    expect(collectTraces().cgroup).not.toContain(path);
  });

  test('a process of the run, whatever its name', async () => {
    const program = await startProgram({ command: 'sleep', args: ['60'], env: { HOLDFAST_TEST_RUN: RUN } });
    const seen = collectTraces(RUN).process;
    const seenByOthers = collectTraces('another run').process;
    await program.kill();
    const ours = expect.stringMatching(new RegExp(`^${program.pid} sleep: sleep 60`));
    expect(seen).toContainEqual(ours);
    expect(seenByOthers).not.toContainEqual(ours);
    expect(collectTraces(RUN).process).not.toContainEqual(ours);
  });

  test('a namespace that a process still holds', async () => {
    const before = collectTraces();
    const program = await startProgram({
      command: 'unshare',
      args: ['--net', 'sh', '-c', 'echo in; exec sleep 60'],
      ready: /in/,
    });
    const held = execFileSync('readlink', [`/proc/${program.pid}/ns/net`], { encoding: 'utf8' }).trim();
    const after = collectTraces();
    await program.kill();
    expect(newTraces(before, after)).toContain(`namespace: ${held}`);
    expect(collectTraces().namespace).not.toContain(held);
  });

  test('listening sockets, TCP and Unix', async () => {
    const path = join(dir.path, 'api.sock');
    const tcp = createServer().listen(0, '127.0.0.1');
    const unix = createServer().listen(path);
    await Promise.all([tcp, unix].map((server) => new Promise((resolve) => server.once('listening', resolve))));
    const { port } = tcp.address() as { port: number };
    const seen = collectTraces()['listening socket'];
    await Promise.all([tcp, unix].map((server) => new Promise((resolve) => server.close(resolve))));
    expect(seen).toEqual(expect.arrayContaining([path, `TCP port ${port} (/proc/net/tcp)`]));
    expect(collectTraces()['listening socket']).not.toContain(path);
  });

  test('only what is new counts', () => {
    expect(newTraces({ link: ['lo'] }, { link: ['lo', 'veth0'], mount: ['/a'] })).toEqual(['link: veth0', 'mount: /a']);
  });
});
