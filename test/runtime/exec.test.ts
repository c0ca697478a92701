import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BundleStage, expectSuccess, type Outcome, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeAll(async () => {
  stage = await openBundleStage();
  await stage.configure('sleep 1000', (config) => {
    config.process.user = { uid: 0, gid: 0, umask: 0o27, additionalGids: [7] };
    config.process.env.push('A=own');
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 71 }],
    };
  });
  await expectSuccess(stage.runtime('create', 'c'));
  await expectSuccess(stage.runtime('start', 'c'));
});
afterAll(() => stage.close());

/** Runs a shell script in the container. */
function exec(script: string, ...options: readonly string[]): Promise<Outcome> {
  return stage.runtime('exec', ...options, 'c', 'sh', '-c', script);
}

describe('a program run in a container', () => {
  test('is in its namespaces and group, confined as it is, and its exit status is passed on', async () => {
    const script = [
      'test $(readlink /proc/self/ns/mnt) = $(readlink /proc/1/ns/mnt) && echo inside',
      'cat /proc/self/cgroup; id -G; umask; echo $A $B; pwd',
      'grep -e Seccomp: -e NoNewPrivs -e CapBnd /proc/self/status; exit 7',
    ].join('; ');
    const { status, stdout } = await exec(script, '-e', 'B=more', '--cwd', '/bin');
    expect(status).toBe(7);
    expect(stdout).toMatch(/^inside\n/);
    expect(stdout).toContain(`${stage.cgroupPath}/c\n`);
    expect(stdout).toContain('0 7\n0027\nown more\n/bin\n');
    expect(stdout).toMatch(/CapBnd:\t0000000020000420\nNoNewPrivs:\t1\nSeccomp:\t2\n/);
  });

  test('has the user, groups and capabilities it is asked to have, and is told apart when a signal ends it', async () => {
    const { status, stdout } = await exec(
      'id; grep CapBnd /proc/self/status; kill -9 $$',
      ...['--user', '5:6', '-g', '9', '--cap', 'CAP_CHOWN'],
    );
    expect(status).toBe(128 + 9);
    expect(stdout).toBe('uid=5 gid=6 groups=9\nCapBnd:\t0000000020000421\n');
  });

  test('comes from a file, is left running, and its pid is written', async () => {
    const [file, pidFile] = [join(stage.directory, 'process.json'), join(stage.directory, 'pid')];
    await writeFile(
      file,
      JSON.stringify({ args: ['sleep', '500'], cwd: '/', user: { uid: 3, gid: 4 }, env: ['PATH=/bin'] }),
    );
    await expectSuccess(stage.runtime('exec', '--detach', '--pid-file', pidFile, '--process', file, 'c'));
    const pid = await readFile(pidFile, 'utf8');
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toBe('sleep\u0000500\u0000');
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t3\t3\t3\t3$/m);
    expect(JSON.parse((await stage.runtime('ps', '-f', 'json', 'c')).stdout)).toContain(Number(pid));
  });

  test('gets the descriptors it is to get and no other', async () => {
    const given = await open(join(stage.bundle, 'config.json'), 'r');
    const passed = await stage.runtimeGiven(
      [given.fd],
      ...['exec', '--preserve-fds', '1', 'c', 'sh', '-c', 'ls /proc/$$/fd; cat <&3'],
    );
    const dropped = await stage.runtimeGiven([given.fd], 'exec', 'c', 'sh', '-c', 'ls /proc/$$/fd; true');
    await given.close();
    expect(passed.stdout).toMatch(/^0\n1\n2\n3\n\{"ociVersion"/);
    expect(dropped.stdout).toBe('0\n1\n2\n');
  });

  test.each([
    [['exec', '--preserve-fds', '1', 'c', 'true'], 'was not passed to the runtime'],
    [['exec', '--user', 'root', 'c', 'true'], 'expected numbers'],
    [['exec', '--user', '4294967295', 'c', 'true'], 'expected ids below'],
    [['exec', '--cap', 'CAP_NONE', 'c', 'true'], 'CAP_NONE'],
    [['exec', '--tty', '--detach', 'c', 'true'], '--console-socket is needed'],
    [['exec', '--apparmor', 'holdfast-absent', 'c', 'true'], 'process.apparmorProfile'],
    [['exec', 'c'], 'a command, or --process'],
    [['exec', 'c', '/bin/absent'], 'execve failed with ENOENT (/bin/absent): no such file or directory'],
    [['exec', 'absent', 'true'], 'does not exist'],
  ])('%j is refused', async (args, message) => {
    const { status, stderr } = await stage.runtime(...args);
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test('is not run while the container is paused', async () => {
    await expectSuccess(stage.runtime('pause', 'c'));
    expect((await exec('true')).stderr).toContain('is paused: expected it to be running or created');
    await expectSuccess(stage.runtime('resume', 'c'));
    await expectSuccess(exec('true'));
  });
});

describe('run', () => {
  test('creates, starts, waits, removes, and ends as the container did', async () => {
    const other = await openBundleStage();
    try {
      await other.configure('echo out; exit 5');
      expect(await other.runtime('run', 'r')).toMatchObject({ status: 5, stdout: 'out\n' });
      expect((await other.runtime('list', '-q')).stdout).toBe('');
      await other.configure('sleep 1000');
      await expectSuccess(other.runtime('run', '--detach', 'r'));
      expect((await other.state('r')).status).toBe('running');
      await expectSuccess(other.runtime('delete', '--force', 'r'));
    } finally {
      await other.close();
    }
  });
});
