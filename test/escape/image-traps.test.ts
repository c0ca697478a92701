import { mkdir, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { OciMount } from '../../native/index.ts';
import { type EscapeStage, openEscapeStage } from './escape-stage.ts';

let stage: EscapeStage;
let outside: string;

beforeEach(async () => {
  stage = await openEscapeStage();
  outside = join(stage.directory, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'hosts'), 'of the node\n');
  await writeFile(join(stage.directory, 'pod-hosts'), '127.0.0.1 localhost\n');
});

afterEach(() => stage.close());

/** The link as the node resolves it: what a runtime would write to that resolved it before it entered the image. */
async function setTrap(path: string, target: string): Promise<string> {
  await rm(join(stage.layer, path), { recursive: true, force: true });
  await symlink(target, join(stage.layer, path));
  return realpath(join(stage.layer, path));
}

/** Starts a container that has the pod's hosts file, as the agent mounts it. @returns why not, if it did not start. */
async function start(attacker: 'root' | 'node root'): Promise<unknown> {
  await stage.openPod(attacker);
  const source = join(stage.directory, 'pod-hosts');
  const hosts: OciMount = { destination: '/etc/hosts', type: 'bind', source, options: ['ro', 'nosuid', 'nodev'] };
  const spec = stage.attackSpec(attacker, 'cat /etc/hosts');
  try {
    await stage.backend.startContainer({ ...spec, config: { ...spec.config, mounts: [hosts] } });
    return null;
  } catch (error) {
    return error;
  }
}

async function expectNodeUntouched(): Promise<void> {
  expect(await readdir(outside)).toEqual(['hosts']);
  expect(await readFile(join(outside, 'hosts'), 'utf8')).toBe('of the node\n');
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(stage.directory);
}

describe.each(['root', 'node root'] as const)('an image of %s', (attacker) => {
  test('without a trap starts', async () => {
    expect(await start(attacker)).toBeNull();
  });

  test.each(['dev', 'proc', 'sys'])('with /%s a link to the node (CVE-2026-41579, -47766)', async (name) => {
    for (const target of [outside, `../../../../../..${outside}`]) {
      expect(await setTrap(name, target)).toBe(outside);
      expect(await start(attacker)).toMatchObject({ code: 'kernel', stage: 'open mount point', errno: 'ELOOP' });
    }
    await expectNodeUntouched();
  });

  test('with /etc or /etc/hosts a link to the node', async () => {
    expect(await setTrap('etc/hosts', join(outside, 'hosts'))).toBe(join(outside, 'hosts'));
    expect(await start(attacker)).toMatchObject({ stage: 'make mount point', errno: 'ENOENT' });
    expect(await setTrap('etc', outside)).toBe(outside);
    expect(await start(attacker)).toMatchObject({ stage: 'make mount point', errno: 'ENOENT' });
    await expectNodeUntouched();
  });

  test.each(['/proc/sys/kernel/core_pattern', '/proc/1/attr/exec', '/proc/self/environ', '/sys/kernel/profiling'])(
    'with /etc/hosts a link to %s (CVE-2025-52881)',
    async (target) => {
      const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
      await rm(join(stage.layer, 'etc/hosts'), { force: true });
      await symlink(target, join(stage.layer, 'etc/hosts'));
      expect(await start(attacker)).toMatchObject({ stage: 'make mount point', errno: 'EPERM' });
      expect(await readFile('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
    },
  );

  test('with /etc/hosts a link to the device that masks files and is standard input (CVE-2025-31133, -52565)', async () => {
    await setTrap('etc/hosts', '/dev/null');
    expect(await start(attacker)).toMatchObject({ stage: 'open standard input', errno: 'ENODEV' });
  });

  test('with devices, console and terminals of its own has those of the runtime', async () => {
    await mkdir(join(stage.layer, 'dev'));
    for (const name of ['null', 'console', 'pts', 'ptmx', 'shm']) await setTrap(`dev/${name}`, outside);
    const { stdout } = await stage.attack(attacker, 'ls -A /dev; test -c /dev/null && echo device; wc -c < /proc/keys');
    expect(stdout).toEqual(
      'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero device 0'.split(' '),
    );
    await expectNodeUntouched();
  });
});
