import { existsSync } from 'node:fs';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BundleStage, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

describe('a container', () => {
  test('is created, started, killed and deleted', async () => {
    await stage.configure('echo begun; sleep 1000');
    const pidFile = join(stage.directory, 'pid');
    await expectSuccess(stage.runtime('create', '--pid-file', pidFile, 'c'));
    const created = await stage.state();
    expect(created).toMatchObject({ ociVersion: '1.2.0', id: 'c', status: 'created', bundle: stage.bundle });
    expect(await readFile(pidFile, 'utf8')).toBe(String(created.pid));
    expect(await stage.output()).toBe('');

    await expectSuccess(stage.runtime('start', 'c'));
    await stage.until('running');
    expect((await stage.state()).pid).toBe(created.pid);

    await expectSuccess(stage.runtime('kill', 'c', 'KILL'));
    await stage.until('stopped');
    expect(await stage.output()).toBe('begun\n');
    await expectSuccess(stage.runtime('delete', 'c'));
    expect(await stage.runtime('state', 'c')).toMatchObject({ status: 1 });
    expect(existsSync(`/sys/fs/cgroup/pids${stage.cgroupPath}/c`)).toBe(false);
  });

  test('takes an id that is free, and no other operation than its state allows', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('create', 'c'));
    expect((await stage.runtime('create', 'c')).stderr).toContain('exists already');
    expect((await stage.runtime('delete', 'c')).stderr).toContain('is created: expected it to be stopped');
    expect((await stage.runtime('resume', 'c')).stderr).toContain('expected it to be paused');
    await expectSuccess(stage.runtime('start', 'c'));
    expect((await stage.runtime('start', 'c')).stderr).toContain('is running: expected it to be created');
    await expectSuccess(stage.runtime('delete', '--force', 'c'));
    await expectSuccess(stage.runtime('delete', '--force', 'c'));
    expect((await stage.runtime('kill', 'c')).status).toBe(1);
    expect((await stage.runtime('create', '../c')).stderr).toContain('container id "../c"');
  });

  test('that ended cannot be killed', async () => {
    await stage.configure('true');
    await stage.run();
    expect((await stage.runtime('kill', 'c')).stderr).toContain('is not running');
  });

  test('is paused and resumed', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('create', 'c'));
    await expectSuccess(stage.runtime('start', 'c'));
    await expectSuccess(stage.runtime('pause', 'c'));
    expect((await stage.state()).status).toBe('paused');
    await expectSuccess(stage.runtime('resume', 'c'));
    expect((await stage.state()).status).toBe('running');
  });

  test('shows its processes, and appears in the list', async () => {
    await stage.configure('sleep 1000');
    await expectSuccess(stage.runtime('create', 'c'));
    const { pid } = await stage.state();
    expect(JSON.parse((await stage.runtime('ps', '-f', 'json', 'c')).stdout)).toEqual([pid]);
    expect((await stage.runtime('list', '-q')).stdout).toBe('c\n');
    expect(JSON.parse((await stage.runtime('list', '-f', 'json')).stdout)).toMatchObject([{ id: 'c', pid }]);
  });

  test('whose program is not there is not created, and says so', async () => {
    await stage.configure('', (config) => {
      config.process.args = ['absent'];
    });
    const created = await stage.runtime('create', 'c');
    expect(created).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('find program failed with ENOENT (absent): no such file or directory'),
    });
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
  });

  test('whose program goes before its start fails then, and says so', async () => {
    await stage.configure('', (config) => {
      config.process.args = ['/bin/passing'];
    });
    await copyFile(join(stage.rootfs, 'bin/busybox'), join(stage.rootfs, 'bin/passing'));
    await expectSuccess(stage.runtime('create', 'c'));
    await rm(join(stage.rootfs, 'bin/passing'));
    const started = await stage.runtime('start', 'c');
    expect(started).toMatchObject({ status: 1, stderr: expect.stringContaining('execve failed with ENOENT') });
    await stage.until('stopped');
  });

  test('without a process is created, and is not started', async () => {
    await stage.configure('', (config) => Reflect.deleteProperty(config, 'process'));
    await expectSuccess(stage.runtime('create', 'c'));
    expect((await stage.state()).status).toBe('created');
    expect((await stage.runtime('start', 'c')).stderr).toContain('a start needs one');
  });

  test('that cannot be created leaves nothing behind', async () => {
    await stage.configure('true', (config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source: '/no/such/path', options: ['bind'] });
    });
    const created = await stage.runtime('create', 'c');
    expect(created).toMatchObject({ status: 1, stderr: expect.stringContaining('open mount source') });
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
    expect(existsSync(`/sys/fs/cgroup/pids${stage.cgroupPath}/c`)).toBe(false);
  });
});

describe('the log', () => {
  test('has errors in the form an engine asks for', async () => {
    const log = join(stage.directory, 'log');
    const ended = await stage.runtime('--log', log, '--log-format', 'json', 'state', 'absent');
    expect(ended.status).toBe(1);
    expect(JSON.parse(await readFile(log, 'utf8'))).toMatchObject({
      level: 'error',
      msg: expect.stringMatching(/absent/),
    });
  });
});
