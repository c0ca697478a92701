import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type BundleStage, type Config, expectSuccess, openBundleStage } from './bundle-stage.ts';

let stage: BundleStage;

beforeEach(async () => {
  stage = await openBundleStage();
});
afterEach(() => stage.close());

const STAGES = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;

/** A hook of the node that writes a line, and its network namespace, to a file. */
function telling(name: string): Config {
  const file = join(stage.directory, 'told');
  const script = `echo "${name} $(readlink /proc/self/ns/net) $A $(cat)" >> ${file}`;
  return { path: '/bin/busybox', args: ['sh', '-c', script], env: ['A=b', 'PATH=/usr/bin:/bin'] };
}

async function told(): Promise<readonly string[]> {
  const text = await readFile(join(stage.directory, 'told'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

describe('hooks', () => {
  test('run at their stages, in their namespaces, with the state on standard input', async () => {
    await stage.configure('echo program', (config) => {
      config.hooks = Object.fromEntries(STAGES.map((name) => [name, [telling(name)]]));
      const script = 'echo startContainer in $(ls /bin/busybox) as $(readlink /proc/self/ns/net)';
      config.hooks.startContainer = [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin'] }];
    });
    await expectSuccess(stage.runtime('create', 'c'));
    const { pid } = await stage.state();
    const created = await told();
    expect(created.map((line) => line.split(' ')[0])).toEqual(['prestart', 'createRuntime', 'createContainer']);
    const [, node] = (created[0] ?? '').split(' ');
    const [, inside, variable] = (created[2] ?? '').split(' ');
    expect(inside).not.toBe(node);
    expect(variable).toBe('b');
    expect(JSON.parse((created[1] ?? '').split(' b ')[1] ?? '')).toMatchObject({ id: 'c', pid, status: 'created' });

    const started = await expectSuccess(stage.runtime('start', 'c'));
    expect(started.stdout).toBe(`startContainer in /bin/busybox as ${inside}\n`);
    await stage.until('stopped');
    await expectSuccess(stage.runtime('delete', 'c'));
    expect((await told()).slice(3).map((line) => line.split(' ')[0])).toEqual(['poststart', 'poststop']);
  });

  test.each(['prestart', 'createRuntime', 'createContainer'])('that fail at %s end the creation', async (name) => {
    await stage.configure('true', (config) => {
      config.hooks = { [name]: [{ path: '/bin/false' }, telling('second')], poststop: [telling('poststop')] };
    });
    const created = await stage.runtime('create', 'c');
    expect(created).toMatchObject({ status: 1, stderr: expect.stringContaining(`hooks.${name}[0]: /bin/false`) });
    expect((await stage.runtime('list', '-q')).stdout).toBe('');
    expect((await told()).map((line) => line.split(' ')[0])).toEqual(['poststop']);
  });

  test('that take too long are ended', async () => {
    await stage.configure('true', (config) => {
      config.hooks = { prestart: [{ path: '/bin/sleep', args: ['sleep', '1000'], timeout: 1 }] };
    });
    expect((await stage.runtime('create', 'c')).stderr).toContain('/bin/sleep did not end within 1 s');
  });

  test('that fail after the start or the end only warn', async () => {
    await stage.configure('true', (config) => {
      config.hooks = {
        poststart: [{ path: '/bin/false' }, telling('first')],
        poststop: [{ path: '/bin/false' }, telling('second')],
      };
    });
    await expectSuccess(stage.runtime('create', 'c'));
    expect(await stage.runtime('start', 'c')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('poststart'),
    });
    await stage.until('stopped');
    expect(await stage.runtime('delete', 'c')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('poststop'),
    });
    expect((await told()).map((line) => line.split(' ')[0])).toEqual(['first', 'second']);
  });
});

describe('features', () => {
  test('are told', async () => {
    const features = JSON.parse((await expectSuccess(stage.runtime('features'))).stdout);
    expect(features).toMatchObject({ ociVersionMax: '1.2.0', hooks: STAGES, linux: { cgroup: { systemd: false } } });
  });
});

describe('options that cannot be honoured', () => {
  test.each([
    [['--systemd-cgroup', 'state', 'c']],
    [['create', '--preserve-fds', 'all', 'c']],
    [['create', '--no-pivot', 'c']],
  ])('%j is refused', async (args) => {
    expect((await stage.runtime(...args)).stderr).toMatch(/not supported|expected a number/);
  });
});
