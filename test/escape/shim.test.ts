import { execFile } from 'node:child_process';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../native/index.ts';
import { readLog, untilSome } from '../native/container-stage.ts';
import { buildProgram, type EscapeStage, openEscapeStage } from './escape-stage.ts';

const run = promisify(execFile);
const ATTACKERS = ['root', 'user', 'admin', 'node root'] as const;
const MOST_SHIM_KB = 1024;

let stage: EscapeStage;

beforeAll(async () => {
  stage = await openEscapeStage();
  for (const program of ['reach', 'trace-me', 'log-thief']) {
    await buildProgram(join(stage.layer, 'bin', program), `${program}.c`);
  }
});

afterAll(() => stage.close());

async function shimOf({ sandboxId, name }: ContainerSpec): Promise<number> {
  const path = join(stage.runDir, 'sandboxes', sandboxId, 'containers', `${name}.json`);
  return JSON.parse(await readFile(path, 'utf8')).running.shim.pid;
}

async function started(spec: ContainerSpec, line: string): Promise<number> {
  await stage.backend.startContainer(spec);
  await untilSome(async () => (await readLog(spec, 'stdout')).includes(line));
  return shimOf(spec);
}

describe('the shim', () => {
  test.each(ATTACKERS)('is not there for %s to signal or trace', async (attacker) => {
    await stage.openPod(attacker);
    const last = Number((await readFile('/proc/loadavg', 'utf8')).trim().split(' ').at(-1)) + 5000;
    const spec = stage.attackSpec(attacker, `reach 1 ${last} kill-all; echo $?; exec sleep 1000`);
    const shim = await started(spec, '0');
    expect(shim).toBeLessThan(last);
    const lines = await readLog(spec, 'stdout');
    expect(lines.filter((line) => !['1 signal', '1 trace', 'end', '0'].includes(line))).toEqual([]);
    expect(lines).toContain('1 signal');
    const { stdout } = await run(join(stage.layer, 'bin/reach'), [String(shim), String(shim)]);
    expect(stdout).toBe(`${shim} signal\n${shim} trace\nend\n`);
    await stage.backend.stopContainer(spec, { graceMs: 0 });
    expect(await stage.exited(spec.name)).toMatchObject({ signal: 'SIGKILL', lost: false });
  });

  test.each(ATTACKERS)('that %s makes its tracer stays idle and tells the exit', async (attacker) => {
    await stage.openPod(attacker);
    const spec = stage.attackSpec(attacker, 'exec trace-me');
    const shim = await started(spec, 'traced');
    const { pid } = await stage.observed(spec.name);
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^TracerPid:\t${shim}$`, 'm'));
    const before = await cpuTicks(shim);
    await sleep(300);
    expect((await cpuTicks(shim)) - before).toBeLessThan(5);
    expect(await stage.exited(spec.name)).toMatchObject({ code: 7, lost: false });
  });

  test.each(['flood', 'steal'])('tells the exit though another container can %s the log’s pipe', async (way) => {
    await stage.openPod('root');
    const taker = stage.attackSpec('root', `exec log-thief ${way}`);
    await started(taker, 'ready');
    const giver = stage.attackSpec('root', 'exec log-thief');
    await stage.backend.startContainer(giver);
    await untilSome(async () => (await readLog(taker, 'stdout')).includes('taken'));
    expect(await stage.exited(giver.name)).toMatchObject({ code: 5, lost: false });
    expect((await readLog(giver, 'stdout')).length).toBeGreaterThan(100);
    expect((await stage.observed(taker.name)).state).toBe('running');
    await stage.backend.stopContainer(taker, { graceMs: 0 });
  });

  test('stays small and keeps within its files when lines have no end', async () => {
    await stage.openPod('root');
    const log = { maxBytes: 200_000, maxFiles: 2 };
    const script = 'dd if=/dev/zero bs=64k count=512; echo; echo; echo wrote; exec sleep 1000';
    const spec = stage.attackSpec('root', script, { log });
    const shim = await started(spec, 'wrote');
    expect(await readFile(`/proc/${shim}/status`, 'utf8')).toMatch(/^VmHWM:/m);
    const [, peakKb] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${shim}/status`, 'utf8')) ?? [];
    expect(Number(peakKb)).toBeLessThan(MOST_SHIM_KB);
    expect((await readLog(spec, 'stderr')).join()).toContain('512+0 records out');
    const files = (await readdir(dirname(spec.log.path))).filter((name) => name.startsWith(`${spec.name}.log`));
    expect(files).toHaveLength(2);
    for (const file of files) expect((await stat(join(dirname(spec.log.path), file))).size).toBeLessThan(200_001);
    await stage.backend.stopContainer(spec, { graceMs: 0 });
  });

  test('writes no log through a link', async () => {
    const victim = join(stage.directory, 'victim');
    await writeFile(victim, 'precious\n');
    await symlink(victim, join(stage.directory, 'linked.log'));
    await stage.openPod('root');
    const path = join(stage.directory, 'linked.log');
    await expect(stage.attack('root', 'echo overwritten', { log: { path } })).rejects.toMatchObject({
      stage: 'open log',
      errno: 'ELOOP',
    });
    expect(await readFile(victim, 'utf8')).toBe('precious\n');
    const plain = await stage.attack('root', 'echo written', { log: { path: join(stage.directory, 'plain.log') } });
    expect(plain.stdout).toEqual(['written']);
  });
});

/** User and system time a process took so far (proc_pid_stat(5)), in hundredths of a second. */
async function cpuTicks(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user = '', system = ''] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return Number(user) + Number(system);
}
