import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../native/index.ts';
import { readLog, untilSome } from '../native/container-stage.ts';
import type { Attacker } from './attackers.ts';
import { buildProgram, type EscapeStage, openEscapeStage } from './escape-stage.ts';

const run = promisify(execFile);
const ATTACKERS = ['root', 'user', 'admin'] as const;
const PEERS = fileURLToPath(new URL('../native/c/peers-into-others.c', import.meta.url));

/** Says which of these of each process it could open. */
const LOOK = `for p in "$@"; do
  for f in environ mem auxv maps; do { true < /proc/$p/$f; } 2> /dev/null && echo "$p $f"; done
  for f in exe cwd root ns/mnt ns/pid; do readlink /proc/$p/$f > /dev/null 2>&1 && echo "$p $f"; done
  for f in /proc/$p/fd/*; do readlink $f > /dev/null 2>&1 && echo "$p fd" && break; done
  ls /proc/$p/root/ > /dev/null 2>&1 && echo "$p files"
done; echo end`;

let stage: EscapeStage;

beforeAll(async () => {
  stage = await openEscapeStage();
  await buildProgram(join(stage.layer, 'bin/reach'), 'reach.c');
  execFileSync('musl-gcc', ['-static', '-O2', '-o', join(stage.layer, 'bin/peers'), PEERS]);
});

afterAll(() => stage.close());

const holderOf = async (id: string): Promise<number> =>
  (await stage.backend.observe()).sandboxes.find((sandbox) => sandbox.id === id)?.pid ?? 0;

async function shimOf({ sandboxId, name }: ContainerSpec): Promise<number> {
  const path = join(stage.runDir, 'sandboxes', sandboxId, 'containers', `${name}.json`);
  return JSON.parse(await readFile(path, 'utf8')).running.shim.pid;
}

/** Runs a script to its end in a pod made for it. @returns its lines. */
async function attackIn(
  attacker: Attacker,
  pod: { readonly processes: 'shared' | 'host'; readonly users?: 'private' | 'host' },
  script: string,
): Promise<readonly string[]> {
  const sandboxId = `pod-${pod.processes}-${attacker.replace(' ', '-')}`;
  await stage.sandbox({ id: sandboxId, ...pod });
  const { stdout } = await stage.attack(attacker, script, { sandboxId });
  return stdout;
}

describe('the first process of a pod that shares its processes', () => {
  test.each(ATTACKERS)('cannot be ended, traced or looked into by %s', async (attacker) => {
    const script = `reach 1 1; for s in TERM INT HUP STOP KILL; do kill -$s 1 2>/dev/null; done; set -- 1; ${LOOK}`;
    const lines = await attackIn(attacker, { processes: 'shared' }, script);
    const holder = await holderOf(`pod-shared-${attacker}`);
    expect(lines.filter((line) => line !== '1 signal')).toEqual(['end', 'end']);
    expect(await readFile(`/proc/${holder}/status`, 'utf8')).toMatch(/^State:\tS /m);
    const { stdout } = await run('sh', ['-c', LOOK, 'sh', String(holder)]);
    expect(stdout).toContain(`${holder} mem\n`);
  });

  test.each(ATTACKERS)('is the only one %s sees that is not of its pod', async (attacker) => {
    const lines = await attackIn(attacker, { processes: 'shared' }, 'ls /proc | grep -c "^[0-9]"; readlink /proc/self');
    expect(Number(lines[0])).toBeLessThan(8);
    expect(Number(lines[1])).toBeLessThan(1000);
  });

  test('keeps nothing open to the next container of the pod, nor the shim that starts it', async () => {
    await stage.sandbox({ id: 'watched', processes: 'shared' });
    const watcher = stage.attackSpec('admin', 'exec peers', { sandboxId: 'watched', name: 'watcher' });
    await stage.backend.startContainer(watcher);
    const found = (): Promise<readonly string[]> => readLog(watcher, 'stdout');
    await untilSome(async () => (await found()).includes('ready'));
    for (let round = 0; round < 20 || !(await found()).includes('kept out'); round += 1) {
      const next = stage.attackSpec('root', 'exec true', { sandboxId: 'watched', name: 'next' });
      await stage.backend.startContainer(next);
      await stage.exited('next');
      const ref = { sandboxId: 'watched', name: 'watcher' };
      const session = await stage.backend.execContainer(ref, { args: ['busybox', 'true'] });
      session.stdout.resume();
      await session.exited;
      if (round > 200) throw new Error('no process was seen on its way');
    }
    expect(new Set(await found())).toEqual(new Set(['ready', 'kept out']));
    await stage.backend.removeSandbox('watched');
  });
});

describe('a container that joins another’s processes', () => {
  test.each(ATTACKERS)('keeps nothing open to a hostile %s', async (attacker) => {
    const sandboxId = `joined-${attacker}`;
    await stage.sandbox({ id: sandboxId });
    const hostile = stage.attackSpec(attacker, 'exec peers', { sandboxId, name: 'hostile' });
    await stage.backend.startContainer(hostile);
    const found = (): Promise<readonly string[]> => readLog(hostile, 'stdout');
    await untilSome(async () => (await found()).includes('ready'));
    for (let round = 0; round < 10; round += 1) {
      const debug = stage.attackSpec('root', 'exec true', { sandboxId, name: 'debug' });
      await stage.backend.startContainer({ ...debug, processesOf: 'hostile' });
      await stage.exited('debug');
    }
    for (const line of await found()) expect(['ready', 'kept out']).toContain(line);
    await stage.backend.removeSandbox(sandboxId);
  });
});

describe('processes of the node, seen by a pod with `hostPID`', () => {
  test.each(ATTACKERS)('cannot be signalled, traced or looked into by %s', async (attacker) => {
    const sandboxId = `seeing-${attacker}`;
    await stage.sandbox({ id: sandboxId, processes: 'host' });
    const running = stage.attackSpec(attacker, 'exec sleep 1000', { sandboxId, name: 'running' });
    await stage.backend.startContainer(running);
    const targets = [process.pid, await shimOf(running), 1];
    const reach = targets.map((pid) => `reach ${pid} ${pid}`).join('; ');
    const { stdout } = await stage.attack(attacker, `${reach}; set -- ${targets.join(' ')}; ${LOOK}`, { sandboxId });
    expect(stdout).toEqual(['end', 'end', 'end', 'end']);
    const { stdout: onNode } = await run('sh', ['-c', LOOK, 'sh', String(process.pid)]);
    expect(onNode).toContain(`${process.pid} mem\n`);
    await stage.backend.removeSandbox(sandboxId);
  });

  test.each(ATTACKERS)('nor the node’s settings changed by %s, remounted or not', async (attacker) => {
    const sandboxId = `setting-${attacker}`;
    await stage.sandbox({ id: sandboxId, processes: 'host' });
    const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
    const script = `mount -o remount,bind,rw /proc/sys 2>/dev/null; umount /proc/sys 2>/dev/null
      for f in sys/kernel/core_pattern sys/kernel/hostname sys/vm/swappiness sysrq-trigger; do echo x > /proc/$f; done 2>/dev/null && echo written; echo end`;
    const { stdout } = await stage.attack(attacker, script, { sandboxId });
    expect(stdout).toEqual(['end']);
    expect(await readFile('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
    await stage.backend.removeSandbox(sandboxId);
  });

  test('with the node’s users too cannot be looked into or traced', async () => {
    await stage.sandbox({ id: 'seeing-all', processes: 'host', users: 'host' });
    const targets = [process.pid, await holderOf('seeing-all')];
    const reach = targets.map((pid) => `reach ${pid} ${pid}`).join('; ');
    const script = `${reach}; set -- ${targets.join(' ')}; ${LOOK}`;
    const { stdout } = await stage.attack('node root', script, { sandboxId: 'seeing-all' });
    // User 0 is user 0: it may signal what is not kept from it by more than that.
    expect(stdout.filter((line) => !line.endsWith(' signal'))).toEqual(['end', 'end', 'end']);
    await stage.backend.removeSandbox('seeing-all');
  });
});
