import { setTimeout as sleep } from 'node:timers/promises';
import { webManifest } from '../demo/manifests.ts';
import { holds, startFleet } from '../world/fleet.ts';
import type { Program } from '../world/program.ts';
import { buildRelease } from '../world/release.ts';
import { type ProcessMemory, processesOf, readMemory } from './proc-memory.ts';
import { type BenchGroup, type Measurement, measurement } from './report.ts';

const CONTAINERS = 10;
const SETTLE_MS = 35_000;
const SAMPLES = 9;

/** What an idle agent with ten containers holds, run from its sources and as it is released; and what a shim holds. */
export const agentMemory: BenchGroup = {
  name: 'agent',
  title: 'What the agent holds in memory',
  run: async () => ({ measurements: await measureAgent(), missing: [] }),
};

async function measureAgent(): Promise<readonly Measurement[]> {
  const sources = await idleMemory();
  const release = await idleMemory(await buildRelease());
  const what = `idle agent with ${CONTAINERS} containers, telemetry on`;
  const ofAgent = (how: string, { agent }: IdleMemory): readonly Measurement[] => [
    measurement(
      `${what}, ${how}: resident`,
      'MB',
      agent.map(({ rss }) => rss / 1024),
    ),
    measurement(
      `${what}, ${how}: private`,
      'MB',
      agent.map((memory) => memory.private / 1024),
    ),
  ];
  return [
    ...ofAgent('from the sources', sources),
    ...ofAgent('as released', release),
    measurement(
      'one shim: proportional share (PSS)',
      'kB',
      release.shims.map(({ pss }) => pss),
    ),
  ];
}

interface IdleMemory {
  /** One a second: a Git command starting, or garbage just before it is collected, is in some of them. */
  readonly agent: readonly ProcessMemory[];
  readonly shims: readonly ProcessMemory[];
}

async function idleMemory(program?: string): Promise<IdleMemory> {
  const fleet = await startFleet();
  let agent: Program | undefined;
  try {
    const { reference } = await fleet.publish('idle');
    const files = { 'web.yaml': webManifest({ image: reference, replicas: CONTAINERS }) };
    await fleet.author.commit({ files, message: 'ten' });
    agent = await fleet.startAgent(program);
    await fleet.until('all run', (status) => holds(status, 'Synced'), 60_000);
    await sleep(SETTLE_MS);
    const samples: ProcessMemory[] = [];
    while (samples.length < SAMPLES) {
      samples.push(await readMemory(agent.pid));
      await sleep(1_000);
    }
    return {
      agent: samples,
      shims: await Promise.all((await processesOf('holdfast', fleet.cgroupRoot)).map(readMemory)),
    };
  } finally {
    await agent?.stop();
    await fleet.stop();
  }
}
