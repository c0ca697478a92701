import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../native/index.ts';
import { readLog, untilSome } from '../native/container-stage.ts';
import { type Attacker, attackerSpec } from './attackers.ts';
import { buildProgram, type EscapeStage, openEscapeStage } from './escape-stage.ts';

const run = promisify(execFile);
const ATTACKERS = ['root', 'user', 'admin'] as const;

let stage: EscapeStage;

beforeAll(async () => {
  stage = await openEscapeStage();
  for (const program of ['use-up', 'fork-bomb']) {
    await buildProgram(join(stage.layer, 'bin', program), `${program}.c`);
  }
});

afterAll(() => stage.close());

const groupOf = ({ sandboxId, name }: ContainerSpec): string => `${sandboxId}/${name}`;

/** Another pod, by the same node: what it needs must still be there. */
async function expectOthersToRun(): Promise<void> {
  await stage.sandbox({ id: 'bystander' });
  const { stdout } = await stage.run('sh -c "echo fine"', { sandboxId: 'bystander', name: 'bystander' });
  expect(stdout).toEqual(['fine']);
  await stage.backend.removeSandbox('bystander');
}

async function startAndSee(attacker: Attacker, script: string, limits = {}): Promise<readonly [ContainerSpec, string]> {
  await stage.openPod(attacker);
  const spec = stage.attackSpec(attacker, script, { limits });
  await stage.backend.startContainer(spec);
  const [first = ''] = await untilSome(async () => {
    const lines = await readLog(spec, 'stdout');
    return lines.length > 0 && lines;
  });
  return [spec, first];
}

describe('a container that uses up', () => {
  test.each(ATTACKERS)('processes, as %s, stays within its limit and can be stopped', async (attacker) => {
    const { pids } = attackerSpec(attacker).limits;
    expect(pids).not.toBeNull();
    const [spec] = await startAndSee(attacker, 'exec fork-bomb', { pids: 100, cpuMillis: 500 });
    await untilSome(async () => (await stage.cgroups.pids(groupOf(spec))).length >= 95);
    await expectOthersToRun();
    expect((await stage.cgroups.pids(groupOf(spec))).length).toBeLessThanOrEqual(100);
    await stage.backend.stopContainer(spec, { graceMs: 0 });
    expect(await stage.cgroups.pids(groupOf(spec))).toEqual([]);
  });

  test.each(ATTACKERS)('memory, as %s, is killed alone', async (attacker) => {
    await stage.openPod(attacker);
    const limits = { memoryBytes: 32 * 2 ** 20 };
    const bomb = stage.attackSpec(attacker, 'exec dd if=/dev/zero of=/dev/null bs=200M count=1', { limits });
    const hidden = stage.attackSpec(attacker, 'dd if=/dev/zero of=/dev/shm/x bs=1M count=60; echo survived', {
      limits,
    });
    for (const spec of [bomb, hidden]) await stage.backend.startContainer(spec);
    expect(await stage.exited(bomb.name)).toMatchObject({ signal: 'SIGKILL', oomKilled: true });
    expect(await stage.exited(hidden.name)).toMatchObject({ oomKilled: true });
    await expectOthersToRun();
    const free = await stage.attack(attacker, 'exec dd if=/dev/zero of=/dev/null bs=64M count=1');
    expect(free.exit.code).toBe(0);
  });

  test.each(ATTACKERS)('descriptors, as %s, leaves the node and its log theirs', async (attacker) => {
    const script = 'use-up fds hold & while :; do echo still heard; sleep 0.05; done';
    const [spec] = await startAndSee(attacker, script);
    const taken = await untilSome(async () => {
      const lines = await readLog(spec, 'stdout');
      const at = lines.findIndex((line) => Number(line) > 0);
      return at >= 0 && lines.slice(at + 1).includes('still heard') && Number(lines[at]);
    });
    expect(taken).toBeGreaterThan(500);
    await (await open('/dev/null')).close();
    await expectOthersToRun();
    await stage.backend.stopContainer(spec, { graceMs: 0 });
  });

  test.each(ATTACKERS)('inotify instances, as %s, leaves the node’s root and other pods theirs', async (attacker) => {
    const [spec, count] = await startAndSee(attacker, 'exec use-up inotify hold');
    expect(Number(count)).toBeGreaterThan(0);
    const same = await stage.attack(attacker, 'exec use-up inotify');
    expect(same.stdout).toEqual(['0']);
    const { stdout: onNode } = await run(join(stage.layer, 'bin/use-up'), ['inotify']);
    expect(Number(onNode)).toBeGreaterThan(0);
    await stage.sandbox({ id: 'other' });
    const other = await stage.run('exec use-up inotify', { sandboxId: 'other', name: 'other' });
    expect(Number(other.stdout[0])).toBeGreaterThan(0);
    await stage.backend.removeSandbox('other');
    await stage.backend.stopContainer(spec, { graceMs: 0 });
  });
});

describe('a container that will not end', () => {
  test.each(ATTACKERS)('by not listening, as %s, is killed after its grace', async (attacker) => {
    const [spec] = await startAndSee(attacker, 'trap "echo heard" TERM; echo ready; while :; do sleep 0.05; done');
    const began = performance.now();
    await stage.backend.stopContainer(spec, { graceMs: 300 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
    expect(await readLog(spec, 'stdout')).toContain('heard');
    expect(await stage.exited(spec.name)).toMatchObject({ code: null, signal: 'SIGKILL', lost: false });
  });

  test.each(ATTACKERS)('by leaving daemons behind, as %s, takes them along', async (attacker) => {
    const daemon =
      '(busybox setsid sh -c "trap \\"\\" TERM HUP; sleep 1000 & sleep 1000" &) ; sleep 0.1; echo ready; exec sleep 1000';
    const [spec] = await startAndSee(attacker, daemon);
    await untilSome(async () => (await stage.cgroups.pids(groupOf(spec))).length >= 3);
    await stage.backend.stopContainer(spec, { graceMs: 0 });
    expect(await stage.cgroups.pids(groupOf(spec))).toEqual([]);
    const [ended] = await startAndSee(attacker, '(busybox setsid sleep 1000 &); sleep 0.1; echo ready');
    expect(await stage.exited(ended.name)).toMatchObject({ code: 0 });
    await untilSome(async () => (await stage.cgroups.pids(groupOf(ended))).length === 0);
  });
});
