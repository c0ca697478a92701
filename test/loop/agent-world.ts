import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeccompProfiles } from '../../agent/execute/seccomp-profiles.ts';
import { type Agent, type AgentPorts, createAgent } from '../../agent/loop/agent.ts';
import { createAllocator } from '../../agent/loop/allocator.ts';
import { openStateFiles, type StateFiles } from '../../agent/state/state-files.ts';
import type { NodeStatus } from '../../manifests/index.ts';
import type { PolicyInput, Verdict } from '../../policies/index.ts';
import { createFakeBackend, type FakeBackend, type FakeBackendOptions } from '../fakes/fake-backend.ts';
import { fakeImageAdmin } from '../fakes/fake-image-admin.ts';
import { createFakeImages, type FakeImages } from '../fakes/fake-images.ts';
import { createFakeSource, type FakeSource } from '../fakes/fake-source.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from '../fakes/recording-telemetry.ts';
import { makeTempDir } from '../world/temp-dir.ts';

/** A whole agent between a fake source, fake images and a fake backend, in real time. */
export interface AgentWorld {
  readonly agent: Agent;
  readonly source: FakeSource;
  readonly images: FakeImages;
  readonly backend: FakeBackend;
  readonly telemetry: RecordingTelemetry;
  readonly state: StateFiles;
  readonly stateDir: string;
  /** Judges every workload; allows all unless set. */
  judge: (input: PolicyInput) => Promise<Verdict> | Verdict;
  /** Names of the state files' methods that throw, as they do on a full disk. */
  readonly broken: Set<keyof StateFiles>;
  /** Called before every pull; holds it up until it resolves. */
  beforePull: (digest: string) => Promise<void> | void;
  /** Commits and polls. @returns the commit. */
  commit(yaml: string): Promise<string>;
  /** Waits until the status is as wanted; throws with the last one when it does not come in time. */
  until(what: string, isSo: (status: NodeStatus) => boolean): Promise<NodeStatus>;
  /** Stops the agent and starts another one on the same node and files. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface AgentWorldOptions {
  readonly program?: FakeBackendOptions['program'];
  readonly exec?: FakeBackendOptions['exec'];
  readonly settings?: Partial<AgentPorts['settings']>;
}

const PATIENCE_MS = 60_000;

/** Starts an agent on an empty node. */
export async function startAgentWorld(options: AgentWorldOptions = {}): Promise<AgentWorld> {
  const directory = await makeTempDir();
  const stateDir = join(directory.path, 'state');
  const source = createFakeSource();
  const images = createFakeImages();
  const telemetry = createRecordingTelemetry();
  const files = openStateFiles(stateDir);
  const backend = createFakeBackend({
    clock: { now: Date.now, sleep },
    volumesDir: join(directory.path, 'volumes'),
    ...(options.program && { program: options.program }),
    ...(options.exec && { exec: options.exec }),
  });
  const broken = new Set<keyof StateFiles>();
  const start = async (): Promise<Agent> => {
    const agent = createAgent({
      node: { name: 'node-1', labels: {} },
      version: '1.2.3',
      branch: 'main',
      ...{ source, backend, telemetry },
      imageAdmin: fakeImageAdmin(),
      images: { ...images, pull: (digest) => pullLater(world.beforePull(digest), () => images.pull(digest)) },
      engine: { revision: 'sha256:0', evaluate: async (input) => world.judge(input), close: async () => undefined },
      state: breakable(files, broken),
      lastGood: await files.readLastGood(),
      execution: {
        roots: { stateDir, runDir: join(directory.path, 'run') },
        logs: { dir: join(directory.path, 'logs'), maxBytes: 4_096, maxFiles: 1 },
        profiles: createSeccompProfiles(join(directory.path, 'seccomp')),
        memoryBytes: 2 ** 33,
        inputKey: new Uint8Array(32),
      },
      networks: createAllocator({
        pools: { ipv4: ['10.1.0.0/16'], prefix4: 24, ipv6: null },
        state: breakable(files, broken),
        routes: async () => [],
      }),
      settings: { settleMs: 20, onViolation: 'report', scanIntervalMs: 50, ...options.settings },
      now: Date.now,
    });
    await agent.start();
    return agent;
  };
  let agent: Agent | undefined;
  const running = (): Agent => {
    if (agent === undefined) throw new Error('no agent was started');
    return agent;
  };
  const world: AgentWorld = {
    ...{ source, images, backend, telemetry, state: files, stateDir, broken },
    get agent() {
      return running();
    },
    judge: () => ({ decision: 'allow' }),
    beforePull: () => undefined,
    commit: async (yaml: string) => {
      const commit = source.commit(yaml);
      await running().poll();
      return commit;
    },
    until: (what, isSo) => waitFor(running(), what, isSo),
    restart: async () => {
      await running().stop();
      agent = await start();
    },
    stop: async () => {
      await running().stop();
      await directory.remove();
    },
  };
  agent = await start();
  return world;
}

async function pullLater(before: Promise<void> | void, pull: () => Promise<void>): Promise<void> {
  await before;
  await pull();
}

function breakable(files: StateFiles, broken: ReadonlySet<keyof StateFiles>): StateFiles {
  return new Proxy(files, {
    get: (target, name: keyof StateFiles) => (broken.has(name) ? () => Promise.reject(diskFull()) : target[name]),
  });
}

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

async function waitFor(agent: Agent, what: string, isSo: (status: NodeStatus) => boolean): Promise<NodeStatus> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const status = agent.status();
    if (isSo(status)) return status;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}\n${JSON.stringify(status, null, 1)}`);
    await sleep(5);
  }
}

/** @returns whether a condition of a status holds. */
export function holds(status: NodeStatus, type: NodeStatus['conditions'][number]['type']): boolean {
  return status.conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** @returns the names of the images that run. */
export function runningImages(status: NodeStatus): readonly string[] {
  const containers = status.workloads.flatMap(({ pods }) => pods.flatMap((pod) => pod.containers));
  return containers.filter(({ state }) => state === 'Running').map(({ image }) => image);
}
