import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { webManifest } from '../demo/manifests.ts';
import { holds, startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';
import { type Measurement, measurement } from './report.ts';

const CONTAINERS = 10;
const SETTLE_MS = 35_000;

/** What an idle agent with ten containers holds, and what each container's shim does. */
export async function benchMemory(): Promise<readonly Measurement[]> {
  const fleet = await startFleet();
  let agent: Program | undefined;
  try {
    const { reference } = await fleet.publish('idle');
    const files = { 'web.yaml': webManifest({ image: reference, replicas: CONTAINERS }) };
    await fleet.author.commit({ files, message: 'ten' });
    agent = await fleet.startAgent();
    await fleet.until('all run', (status) => holds(status, 'Synced'), 60_000);
    await sleep(SETTLE_MS);
    const own = await readMemory(agent.pid);
    const shims = await Promise.all((await shimsOf(fleet.cgroupRoot)).map(readMemory));
    return [
      measurement(`idle agent with ${CONTAINERS} containers, telemetry on: resident`, 'MB', [own.rss / 1024]),
      measurement(`idle agent with ${CONTAINERS} containers, telemetry on: private`, 'MB', [own.private / 1024]),
      measurement(
        'one shim: proportional share (PSS)',
        'kB',
        shims.map((memory) => memory.pss),
      ),
    ];
  } finally {
    await agent?.stop();
    await fleet.stop();
  }
}

/** @returns the processes of ours that hold sandboxes and containers in one cgroup tree. */
async function shimsOf(cgroupRoot: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const isShim = await Promise.all(
    pids.map(async (pid) => {
      const [name, groups] = await Promise.all(
        ['comm', 'cgroup'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
      );
      return name?.startsWith('holdfast') && groups?.includes(cgroupRoot);
    }),
  );
  return pids.filter((_, index) => isShim[index]);
}

interface Memory {
  /** Kilobytes, all three. */
  readonly rss: number;
  readonly pss: number;
  readonly private: number;
}

/** proc(5), /proc/pid/smaps_rollup. */
async function readMemory(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { rss: field('Rss'), pss: field('Pss'), private: field('Private_Clean') + field('Private_Dirty') };
}
