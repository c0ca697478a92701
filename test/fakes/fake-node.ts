import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNumberList } from '../../native/cgroup/number-list.ts';
import {
  BackendError,
  type ClampedSetting,
  type ContainerExit,
  type ContainerRef,
  type ContainerSpec,
  type ContainerStats,
  canonicalLimits,
  type GroupUsage,
  type LimitEvent,
  type Limits,
  type NetworkDifference,
  type NetworkSpec,
  type Observation,
  type ObservedContainer,
  type SandboxSpec,
  type SandboxVolume,
  type TrafficRules,
} from '../../native/index.ts';
import { addressesOf, placeOnNetworks, portsOf } from '../../native/network/place.ts';
import { giveAddresses } from '../../native/network/traffic.ts';
import { guardsOf } from '../../native/network/traffic-of.ts';
import type { SandboxRecord, TrafficRecord } from '../../native/records/records.ts';
import type { FakeFiles, MountPoint } from './fake-files.ts';

const FIRST_PID = 1000;
const HIGHEST_CPU = 63;

/** The one disk of the node. */
export const FAKE_DISK = '/dev/fake';

const STALL = { last10Percent: 0, last60Percent: 0, last300Percent: 0, totalMicros: 0 };
const PRESSURE = { some: STALL, full: STALL };
const USAGE: GroupUsage = {
  cpu: { totalMicros: 3, userMicros: 2, systemMicros: 1, periods: 1, throttledPeriods: 0, throttledMicros: 0 },
  memory: {
    ...{ totalBytes: 8192, workingSetBytes: 8192, anonymousBytes: 4096, fileBytes: 4096, peakBytes: 8192 },
    ...{ swapBytes: 0, highHits: 0, limitHits: 0, oomKills: 0 },
  },
  pids: 1,
  pidsLimitHits: 0,
  io: { readBytes: 0, writtenBytes: 0, devices: [] },
  hugepages: null,
  pressure: { cpu: PRESSURE, memory: PRESSURE, io: PRESSURE },
};

const NO_TRAFFIC: TrafficRecord = { rules: { guards: [], allowed: [], services: [] }, addresses: {} };

/** The time a fake lives in. */
export interface FakeClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Lets the time pass; at once unless given. */
  sleep?(ms: number): Promise<void>;
}

interface Container {
  readonly spec: ContainerSpec;
  readonly files: FakeFiles;
  readonly startedAt: number;
  pid: number | null;
  isPaused: boolean;
  exit: ContainerExit | null;
  clamped: readonly ClampedSetting[];
  applied: Limits;
  kernel: Limits | null;
}

interface Sandbox {
  readonly spec: SandboxSpec;
  readonly network: SandboxRecord['network'];
  pid: number | null;
  readonly containers: Map<string, Container>;
}

const UNPLUGGED: NetworkDifference = { field: 'eth0', expected: 'there', found: 'missing' };

/**
 * What a node would have of sandboxes, containers and strange cgroups, in memory. Backends come and go (the agent
 * dies and restarts); the node stays. Each method is one thing happening to the node, whoever does it.
 */
export class FakeNode {
  readonly #clock: FakeClock;
  /** Where the volumes of sandboxes are; null when none may have any. */
  readonly volumesDir: string | null;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #networks = new Map<string, NetworkSpec>();
  readonly #broken = new Set<string>();
  readonly #unplugged = new Set<string>();
  #traffic: TrafficRecord = NO_TRAFFIC;
  readonly #mountPoints: MountPoint[] = [];
  readonly #strangers = new Map<string, readonly number[]>();
  readonly #watchers = new Set<() => void>();
  readonly #limitWatchers = new Set<(events: readonly LimitEvent[]) => void>();
  #nextPid = FIRST_PID;

  constructor(clock: FakeClock, volumesDir: string | null = null) {
    this.volumesDir = volumesDir;
    this.#clock = clock;
  }

  sandbox(id: string): { readonly pid: number | null } | null {
    return this.#sandboxes.get(id) ?? null;
  }

  container(ref: ContainerRef): Readonly<Container> | null {
    return this.#sandboxes.get(ref.sandboxId)?.containers.get(ref.name) ?? null;
  }

  get networks(): readonly NetworkSpec[] {
    return [...this.#networks.values()];
  }

  /** @returns the id of a sandbox on the network, or null. */
  memberOf(network: string): string | null {
    const isOn = ({ network: on }: Sandbox): boolean =>
      typeof on === 'object' && on.networks.some(({ name }) => name === network);
    return [...this.#sandboxes.values()].find(isOn)?.spec.id ?? null;
  }

  addNetwork(spec: NetworkSpec): void {
    this.#networks.set(spec.name, spec);
    this.#broken.delete(spec.name);
  }

  dropNetwork(name: string): void {
    this.#networks.delete(name);
    if (this.#networks.size === 0) this.#traffic = NO_TRAFFIC;
  }

  /** Somebody takes the network's bridge or the rules away. */
  breakNetwork(name: string): void {
    this.#broken.add(name);
  }

  /** Somebody takes a card of the sandbox away. */
  unplug(id: string): void {
    this.#unplugged.add(id);
  }

  reconnect(id: string): void {
    this.#unplugged.delete(id);
  }

  setTraffic(rules: TrafficRules): void {
    const networks = this.networks.map((network) => ({ ...network }));
    const ground = { networks, sandboxes: [...this.#sandboxes.values()] };
    this.#traffic = networks.length === 0 ? NO_TRAFFIC : giveAddresses(rules, this.#traffic, ground);
  }

  addSandbox(spec: SandboxSpec): void {
    const others = [...this.#sandboxes.values()].map((other) => ({ id: other.spec.id, network: other.network }));
    const network =
      typeof spec.network === 'object'
        ? placeOnNetworks(spec.network, { networks: this.networks, others, traffic: this.#traffic })
        : spec.network;
    this.#sandboxes.set(spec.id, { spec, network, pid: this.#nextPid++, containers: new Map() });
  }

  dropSandbox(id: string): void {
    this.#sandboxes.delete(id);
    this.#unplugged.delete(id);
    if (this.volumesDir !== null) rmSync(join(this.volumesDir, id), { recursive: true, force: true });
  }

  /** Where a volume of a living sandbox is; null when it has none of that name, or the node has no directory for them. */
  volume(id: string, name: string): string | null {
    const sandbox = this.#sandboxes.get(id);
    const volume = sandbox?.spec.volumes?.find((candidate) => candidate.name === name);
    if (sandbox?.pid == null || volume === undefined) return null;
    if (this.volumesDir === null) return null;
    const path = join(this.volumesDir, id, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** What a sandbox was asked to have of a volume; null for one it has not. */
  volumeSpec(id: string, name: string): SandboxVolume | null {
    return this.#sandboxes.get(id)?.spec.volumes?.find((candidate) => candidate.name === name) ?? null;
  }

  /** Somebody mounts an empty file system on a directory of the node. @returns where its files are. */
  mountOn(at: string): string {
    const place = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
    this.#mountPoints.push({ at, place });
    return place;
  }

  /** What was mounted by `mountOn`, the oldest first. */
  mountPoints(): readonly MountPoint[] {
    return this.#mountPoints;
  }

  /** Everything that was mounted goes. */
  unmountAll(): void {
    for (const { place } of this.#mountPoints.splice(0)) rmSync(place, { recursive: true });
  }

  /** What a container sees of its mounts. */
  files(ref: ContainerRef): FakeFiles {
    return this.#foundContainer(ref).files;
  }

  addContainer(spec: ContainerSpec, files: FakeFiles): void {
    this.#found(spec.sandboxId).containers.set(spec.name, {
      spec,
      files,
      pid: this.#nextPid++,
      startedAt: this.#clock.now(),
      isPaused: false,
      exit: null,
      clamped: [],
      applied: spec.limits,
      kernel: canonicalLimits(spec.limits),
    });
  }

  dropContainer(ref: ContainerRef): void {
    this.#sandboxes.get(ref.sandboxId)?.containers.delete(ref.name);
  }

  applyLimits(ref: ContainerRef, limits: Limits): void {
    const container = this.#foundContainer(ref);
    container.applied = limits;
    container.kernel = canonicalLimits(limits);
  }

  /** @throws BackendError `unsupported` for limits of what the node does not have. */
  checkHolds({ cpus, mems, ioDevices = [] }: Limits): void {
    const lists = [
      [cpus, HIGHEST_CPU],
      [mems, 0],
    ] as const;
    const isBeyond = lists.some(([list, most]) => list != null && parseNumberList(list)?.some((each) => each > most));
    if (!isBeyond && ioDevices.every(({ device }) => device === FAKE_DISK)) return;
    throw new BackendError('unsupported', 'set limits', 'limits: this node has no such CPU, memory node or disk');
  }

  /** Holds the container's processes still, or lets them go on. */
  setPaused(ref: ContainerRef, isPaused: boolean): void {
    this.#foundContainer(ref).isPaused = isPaused;
  }

  /** The kernel has refused some of its settings in full. */
  clamp(ref: ContainerRef, clamped: readonly ClampedSetting[]): void {
    this.#foundContainer(ref).clamped = clamped;
  }

  dropStranger(id: string): void {
    this.#strangers.delete(id);
  }

  /** The container's process ends, as `exit` says; with status 0 unless it says more. */
  finish(ref: ContainerRef, exit: Partial<ContainerExit> = {}): void {
    const container = this.#foundContainer(ref);
    if (container.exit !== null) return;
    const isSignalled = exit.signal !== undefined && exit.signal !== null;
    const code = isSignalled || exit.lost ? null : 0;
    container.pid = null;
    container.isPaused = false;
    container.kernel = null;
    container.exit = { code, signal: null, oomKilled: false, lost: false, finishedAt: this.#clock.now(), ...exit };
    if (exit.oomKilled) this.meetLimit(ref, 'oom-kill');
    this.#changed();
  }

  /** Somebody kills the container's process. */
  killContainer(ref: ContainerRef, signal = 'SIGKILL'): void {
    this.finish(ref, { signal });
  }

  /** Somebody kills the process that holds the sandbox; its containers go on. */
  killSandbox(id: string): void {
    this.#found(id).pid = null;
    this.#changed();
  }

  /** Somebody writes other limits into the cgroup. */
  tamperLimits(ref: ContainerRef, limits: Partial<Limits>): void {
    const container = this.#foundContainer(ref);
    if (container.kernel === null) throw new Error(`container ${ref.sandboxId}/${ref.name} does not run`);
    container.kernel = { ...container.kernel, ...limits };
  }

  /** Somebody makes a cgroup in our tree. */
  addStranger(id: string, pids: readonly number[] = []): void {
    this.#strangers.set(id, pids);
  }

  observe(): Observation {
    const sandboxes = [...this.#sandboxes.values()].map(({ spec, network, pid, containers }) => ({
      id: spec.id,
      labels: spec.labels,
      state: pid === null ? ('dead' as const) : ('ready' as const),
      pid,
      addresses: addressesOf({ network }),
      ports: portsOf({ network }),
      guards: guardsOf({ id: spec.id, network }, this.#traffic),
      ...(this.#unplugged.has(spec.id) && pid !== null ? { differences: [UNPLUGGED] } : {}),
      containers: [...containers.values()].map(observed),
    }));
    const networks = this.networks.map((network) => ({
      ...network,
      ...(this.#broken.has(network.name)
        ? { state: 'broken' as const, differences: [{ field: 'bridge', expected: 'there', found: 'missing' }] }
        : { state: 'ready' as const }),
    }));
    const strangers = [...this.#strangers].map(([id, pids]) => ({ id, pids }));
    return structuredClone({ networks, traffic: this.#traffic.rules, sandboxes, strangers });
  }

  /** A running container as one that has used a little of everything. */
  stats({ sandboxId, name }: ContainerRef): ContainerStats {
    return { sandboxId, name, at: this.#clock.now(), ...USAGE };
  }

  statsOfAll(): readonly ContainerStats[] {
    const containers = [...this.#sandboxes.values()].flatMap((sandbox) => [...sandbox.containers.values()]);
    return containers.filter(({ pid }) => pid !== null).map(({ spec }) => this.stats(spec));
  }

  watch(onChange: () => void): () => void {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  watchLimits(onEvents: (events: readonly LimitEvent[]) => void): () => void {
    const watcher = (events: readonly LimitEvent[]): void => onEvents(events);
    this.#limitWatchers.add(watcher);
    return () => this.#limitWatchers.delete(watcher);
  }

  /** A container meets one of its limits. */
  meetLimit({ sandboxId, name }: ContainerRef, kind: LimitEvent['kind'], count = 1): void {
    this.#foundContainer({ sandboxId, name });
    for (const watcher of this.#limitWatchers) watcher([{ sandboxId, name, kind, count }]);
  }

  #changed(): void {
    for (const watcher of this.#watchers) queueMicrotask(() => this.#watchers.has(watcher) && watcher());
  }

  #found(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) throw new Error(`the fake node has no sandbox ${id}`);
    return sandbox;
  }

  #foundContainer(ref: ContainerRef): Container {
    const container = this.#found(ref.sandboxId).containers.get(ref.name);
    if (container === undefined) throw new Error(`the fake node has no container ${ref.sandboxId}/${ref.name}`);
    return container;
  }
}

function observed({ spec, pid, startedAt, isPaused, exit, clamped, applied, kernel }: Container): ObservedContainer {
  const { sandboxId, name, labels } = spec;
  return {
    sandboxId,
    name,
    labels,
    state: exit !== null ? 'exited' : isPaused ? 'paused' : 'running',
    pid,
    startedAt,
    exit,
    clamped,
    applied,
    kernel,
  };
}
