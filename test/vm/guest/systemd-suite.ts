import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Suite, until } from './check.ts';
import {
  cgroupOf,
  containerPids,
  installAgent,
  PODS_CGROUP,
  RELEASED_AGENT,
  systemctl,
  untilConverged,
  upgradeAgent,
} from './node.ts';

const HEAL_MS = 300_000;

/** The agent as a systemd service: what it makes, and what its restarts leave alone. */
export async function systemdSuite({ check }: Suite, commit: string): Promise<void> {
  let before: Readonly<Record<string, number>> = {};
  await check('converges from nothing', async () => {
    await installAgent();
    await systemctl('start', 'holdfast.service');
    await untilConverged(commit);
    before = await containerPids();
    assert.equal(Object.keys(before).length, 4);
  });
  await check('keeps its containers in the cgroup that systemd leaves to it, and itself out of it', async () => {
    for (const pid of Object.values(before)) assert.match(await cgroupOf(pid), new RegExp(`^${PODS_CGROUP}/`));
    assert.equal(await cgroupOf(await mainPid()), '/system.slice/holdfast.service');
    assert.deepEqual(
      (await readdir('/sys/fs/cgroup')).filter((name) => name.startsWith('holdfast')),
      [],
    );
  });
  await check('heals a memory limit that somebody changed', async () => {
    const [container = ''] = Object.keys(before);
    const file = join('/sys/fs/cgroup', PODS_CGROUP, container, 'memory.max');
    const limit = await readFile(file, 'utf8');
    await writeFile(file, 'max');
    await until('the limit is healed', HEAL_MS, async () => (await readFile(file, 'utf8')) === limit || null);
  });
  await check('is restarted by systemd without touching a container', async () => {
    await systemctl('restart', 'holdfast.service');
    await untilConverged(commit);
    assert.deepEqual(await containerPids(), before);
  });
  await check('is killed, started again by systemd, and takes its containers up', async () => {
    const killed = await mainPid();
    await systemctl('kill', '--signal=KILL', 'holdfast.service');
    await until('systemd starts it again', HEAL_MS, async () => ![0, killed].includes(await mainPid()) || null);
    await untilConverged(commit);
    assert.deepEqual(await containerPids(), before);
  });
  await check('is upgraded, its units too, without touching a container', async () => {
    await upgradeAgent();
    await systemctl('restart', 'holdfast.service');
    await untilConverged(commit);
    assert.ok((await readFile(`/proc/${await mainPid()}/cmdline`, 'utf8')).includes(RELEASED_AGENT));
    assert.deepEqual(await containerPids(), before);
  });
}

async function mainPid(): Promise<number> {
  return Number(await systemctl('show', '--property=MainPID', '--value', 'holdfast.service'));
}
