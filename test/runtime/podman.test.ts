import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPodmanStage, type PodmanStage } from './podman-stage.ts';

let stage: PodmanStage;

beforeAll(async () => {
  stage = await openPodmanStage();
});
afterAll(() => stage.close());

describe('podman run', () => {
  test.each<readonly [string, string, readonly string[], { status?: number; stdout: string | RegExp }]>([
    ['passes output and exit status on', 'echo out; exit 3', [], { status: 3, stdout: 'out\n' }],
    ['with a terminal', 'readlink /proc/self/fd/0', ['-t'], { stdout: '/dev/pts/0\r\n' }],
    ['with a user', 'id', ['--user', '5:6'], { stdout: /^uid=5 gid=6/ }],
    [
      'with capabilities taken and given',
      'grep CapEff /proc/self/status',
      ['--cap-drop', 'all', '--cap-add', 'chown,sys_time'],
      { stdout: 'CapEff:\t0000000002000001\n' },
    ],
    [
      'with security options',
      'grep -e NoNew -e Seccomp: /proc/self/status',
      ['--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined'],
      { stdout: /NoNewPrivs:\t1\n/ },
    ],
    [
      'with a read-only root, and scratch over what is there',
      'touch /x || touch /tmp/x && echo scratch; cat /etc/kept',
      ['--read-only', '--tmpfs', '/etc:size=1m'],
      { stdout: 'scratch\nkept\n' },
    ],
    ['with limits of its own', 'ulimit -Sn; ulimit -Hn', ['--ulimit', 'nofile=100:200'], { stdout: '100\n200\n' }],
    ['with a device', 'ls -l /dev/full2', ['--device', '/dev/full:/dev/full2'], { stdout: /1, +7/ }],
    ['tells a missing program', '', ['--entrypoint', 'absent'], { status: 127, stdout: '' }],
  ])('%s', async (_, script, options, expected) => {
    await writeFile(join(stage.rootfs, 'etc/kept'), 'kept\n');
    const { status, stdout, stderr } = await stage.run(script, ...options);
    expect([status, stdout, stderr]).toEqual([
      expected.status ?? 0,
      expected.stdout instanceof RegExp ? expect.stringMatching(expected.stdout) : expected.stdout,
      expect.any(String),
    ]);
  });

  test('with a volume, which is kept, and a directory that is not to be written', async () => {
    const options = ['-v', 'kept:/data', '-v', `${stage.directory}:/host:ro`];
    expect((await stage.run('echo x > /data/file; touch /host/x || echo refused', ...options)).stdout).toBe(
      'refused\n',
    );
    expect((await stage.run('cat /data/file', ...options)).stdout).toBe('x\n');
  });
});

describe('a container of podman', () => {
  const script = 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done';

  async function ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await stage.podman(...args);
    expect([args[0], status, stderr]).toEqual([args[0], 0, stderr]);
    return stdout;
  }

  test('is run in the background, looked at, entered, paused, stopped, started again and removed', async () => {
    expect(await stage.run(script, '--rm=false', '-d', '--name', 'c', '--health-cmd', 'true')).toMatchObject({
      status: 0,
    });
    const state = async (): Promise<string> => ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'c');
    const inside = await stage.podman('exec', '-e', 'A=b', 'c', 'sh', '-c', 'echo $A; exit 9');
    expect(inside).toMatchObject({ status: 9, stdout: 'b\n' });
    expect(await ok('exec', '-t', 'c', 'readlink', '/proc/self/fd/0')).toBe('/dev/pts/0\r\n');
    expect(await stage.podman('exec', 'c', 'absent')).toMatchObject({ status: 127 });
    expect(await ok('top', 'c', 'args')).toContain('sleep 0.1');
    expect(await ok('stats', '--no-stream', '--format', '{{.PIDs}}', 'c')).toMatch(/^[1-9]/);
    await ok('healthcheck', 'run', 'c');
    await ok('pause', 'c');
    expect(await state()).toBe('paused 0\n');
    await ok('unpause', 'c');
    await ok('stop', '--time', '20', 'c');
    expect(await state()).toBe('exited 5\n');
    await ok('start', 'c');
    expect(await ok('logs', 'c')).toBe('up\nup\n');
    await ok('rm', '--force', '--time', '0', 'c');
    expect(await ok('ps', '-a', '-q')).toBe('');
  }, 120_000);
});
