import { checkLimits } from '../../native/container/check-limits.ts';
import {
  BackendError,
  type ContainerBackend,
  type ContainerExit,
  type ContainerRef,
  type ContainerSpec,
  type ExecSession,
  type ExecSpec,
  type NetworkSpec,
  type SandboxSpec,
} from '../../native/index.ts';
import {
  checkBridgedNetwork,
  checkNetworkName,
  checkNetworkSpec,
  hasSameRanges,
  refuseOverlap,
} from '../../native/network/check-network.ts';
import { checkTraffic } from '../../native/network/check-traffic.ts';
import { sysctlsOf } from '../../native/sandbox/sysctls.ts';
import { checkVolumes } from '../../native/sandbox/volumes.ts';
import { type FakeExec, openFakeSession } from './fake-exec.ts';
import { type FakeFiles, openFakeFiles } from './fake-files.ts';
import { type FakeClock, FakeNode } from './fake-node.ts';

/** The operations that change something; `crashAfter` counts them. */
export type FakeOperation = Exclude<
  keyof ContainerBackend,
  'observe' | 'volumeDirectory' | 'stats' | 'statsOfAll' | 'watch' | 'watchLimits'
>;

/** How the program of a container behaves. */
export interface FakeProgram {
  /** False: the program cannot be executed. */
  readonly starts?: boolean;
  /** It ends by itself, at once, like this. */
  readonly ends?: Partial<ContainerExit>;
  /** How it ends at the stop signal; by that signal unless given. `never`: SIGKILL must end it. */
  readonly onStop?: Partial<ContainerExit> | 'never';
}

/** Thrown by every operation of a backend whose agent has died. */
export class AgentDied extends Error {
  override readonly name = 'AgentDied';
}

export interface FakeBackendOptions {
  readonly clock: FakeClock;
  /** The node to run on; one of its own unless given. A second backend on a node is the agent restarted. */
  readonly node?: FakeNode;
  /** Where the volumes of sandboxes are; without one no sandbox has any. */
  readonly volumesDir?: string;
  /** What a container's program does; runs until it is stopped unless given. */
  readonly program?: (spec: ContainerSpec) => FakeProgram;
  /** What a program run in a container does; ends with status 0 at once unless given. */
  readonly exec?: (spec: ExecSpec, files: FakeFiles) => FakeExec;
}

/** A backend without a kernel, that can be made to fail and to die. */
export interface FakeBackend extends ContainerBackend {
  /** Where the containers are; tamper with them here. */
  readonly node: FakeNode;
  /** The operations that took effect, oldest first, as `operation subject`. */
  readonly performed: readonly string[];
  /** The next call of the operation (or `observe`) throws this, and changes nothing. Calls add up. */
  failNext(operation: FakeOperation | 'observe', error: Error): void;
  /** So many more operations take effect, then the agent is dead: everything throws `AgentDied`. The node goes on. */
  crashAfter(operations: number): void;
}

/** Makes a backend that keeps the contract of native/backend.ts in memory. */
export function createFakeBackend(options: FakeBackendOptions): FakeBackend {
  const node = options.node ?? new FakeNode(options.clock, options.volumesDir ?? null);
  const failures = new Map<string, Error[]>();
  const performed: string[] = [];
  let operationsLeft = Number.POSITIVE_INFINITY;

  const fail = (operation: string): void => {
    if (operationsLeft <= 0) throw new AgentDied(`the agent died before ${operation}`);
    const error = failures.get(operation)?.shift();
    if (error !== undefined) throw error;
  };
  const perform = async (
    operation: FakeOperation,
    subject: string,
    effect: () => void | Promise<void>,
  ): Promise<void> => {
    fail(operation);
    operationsLeft -= 1;
    await effect();
    performed.push(`${operation} ${subject}`);
  };

  return {
    node,
    performed,
    failNext: (operation, error) => failures.set(operation, [...(failures.get(operation) ?? []), error]),
    crashAfter: (operations) => {
      operationsLeft = operations;
    },
    createNetwork: (spec) => perform('createNetwork', spec.name, () => createNetwork(node, spec)),
    applyTraffic: (rules) =>
      perform('applyTraffic', `${rules.allowed.length}+${rules.services.length}`, () => {
        checkTraffic(rules);
        node.setTraffic(rules);
      }),
    removeNetwork: (name) => perform('removeNetwork', name, () => removeNetwork(node, name)),
    createSandbox: (spec) => perform('createSandbox', spec.id, () => createSandbox(node, spec)),
    reconnectSandbox: (id) =>
      perform('reconnectSandbox', id, () => {
        if (node.sandbox(id)?.pid == null)
          throw notFound('reconnect sandbox', `sandbox ${id} does not exist or is dead`);
        node.reconnect(id);
      }),
    volumeDirectory: async (id, name) => {
      const path = node.volume(id, name);
      if (path === null) throw notFound('find volume', `sandbox ${id} has no volume ${name}`);
      return { path, idBase: 0 };
    },
    removeSandbox: (id) => perform('removeSandbox', id, () => node.dropSandbox(id)),
    startContainer: (spec) => perform('startContainer', nameOf(spec), () => startContainer(node, spec, options)),
    stopContainer: (ref, stop) =>
      perform('stopContainer', nameOf(ref), () => stopContainer(node, { ref, ...stop }, options)),
    removeContainer: (ref) => perform('removeContainer', nameOf(ref), () => node.dropContainer(ref)),
    pauseContainer: (ref) =>
      perform('pauseContainer', nameOf(ref), () => {
        checkRuns(node, ref, 'pause');
        node.setPaused(ref, true);
      }),
    resumeContainer: (ref) =>
      perform('resumeContainer', nameOf(ref), () => {
        checkRuns(node, ref, 'resume');
        node.setPaused(ref, false);
      }),
    execContainer: async (ref, spec) => {
      const { promise: opened, resolve: open } = Promise.withResolvers<ExecSession>();
      await perform('execContainer', nameOf(ref), () => {
        checkRuns(node, ref, 'exec');
        if (node.container(ref)?.isPaused) throw new BackendError('paused', 'exec', `${nameOf(ref)} is paused`);
        open(openFakeSession(node, ref, { spec, ...options.exec?.(spec, node.files(ref)) }));
      });
      return opened;
    },
    updateLimits: (ref, limits) =>
      perform('updateLimits', nameOf(ref), () => {
        checkLimits(limits);
        checkRuns(node, ref, 'update limits');
        node.checkHolds(limits);
        node.applyLimits(ref, limits);
      }),
    removeStranger: (id) => perform('removeStranger', id, () => node.dropStranger(id)),
    observe: async () => {
      fail('observe');
      return node.observe();
    },
    stats: async (ref) => {
      checkRuns(node, ref, 'read stats');
      return node.stats(ref);
    },
    statsOfAll: async () => node.statsOfAll(),
    watch: (onChange) => node.watch(onChange),
    watchLimits: (onEvents) => node.watchLimits(onEvents),
  };
}

function createNetwork(node: FakeNode, spec: NetworkSpec): void {
  const subnets = checkNetworkSpec(spec);
  const others = node.networks.filter(({ name }) => name !== spec.name);
  refuseOverlap(spec, subnets, others);
  const known = node.networks.find(({ name }) => name === spec.name);
  if (known && !hasSameRanges(known, spec)) refuseUsed(node, spec.name);
  node.addNetwork(spec);
}

function removeNetwork(node: FakeNode, name: string): void {
  refuseUsed(node, name);
  node.dropNetwork(name);
}

function refuseUsed(node: FakeNode, network: string): void {
  checkNetworkName(network);
  const member = node.memberOf(network);
  if (member !== null) throw new BackendError('in-use', 'change network', `sandbox ${member} is on it`);
}

function createSandbox(node: FakeNode, spec: SandboxSpec): void {
  checkName('sandbox', spec.id);
  sysctlsOf(spec);
  if (typeof spec.network === 'object') checkBridgedNetwork(spec.network);
  checkVolumes(spec.volumes ?? []);
  if (node.sandbox(spec.id)?.pid == null) node.addSandbox(spec);
}

async function startContainer(
  node: FakeNode,
  spec: ContainerSpec,
  { program = () => ({}), exec }: FakeBackendOptions,
): Promise<void> {
  checkName('container', spec.name);
  checkLimits(spec.limits);
  if (node.sandbox(spec.sandboxId)?.pid == null) throw notFound('start', `sandbox ${spec.sandboxId} is not there`);
  if (node.container(spec)?.exit === null) return;
  if (spec.processesOf !== undefined)
    checkRuns(node, { sandboxId: spec.sandboxId, name: spec.processesOf }, 'share processes');
  const { starts = true, ends } = program(spec);
  node.checkHolds(spec.limits);
  const files = openFakeFiles(node, spec);
  node.dropContainer(spec);
  if (!starts) throw new BackendError('exec-failed', 'execve', `${spec.config.process.args[0]}`, { errno: 'ENOENT' });
  node.addContainer(spec, files);
  await runPostStart(node, spec, exec);
  if (ends !== undefined) node.finish(spec, ends);
}

/** A command that stays takes too long, which is at once here. */
async function runPostStart(
  node: FakeNode,
  spec: ContainerSpec,
  exec: FakeBackendOptions['exec'] = () => ({}),
): Promise<void> {
  if (spec.postStart === undefined) return;
  const { starts = true, code = 0, does = 'exits' } = exec({ args: spec.postStart }, node.files(spec));
  if (starts && code === 0 && does !== 'stays') return;
  node.dropContainer(spec);
  throw new BackendError('hook-failed', 'postStart', `the postStart command of ${nameOf(spec)} failed`);
}

interface Stop {
  readonly ref: ContainerRef;
  readonly graceMs: number;
  readonly signal?: string;
}

async function stopContainer(
  node: FakeNode,
  stop: Stop,
  { clock, program = () => ({}) }: FakeBackendOptions,
): Promise<void> {
  const container = node.container(stop.ref);
  if (container === null || container.exit !== null) return;
  const { onStop = { signal: stop.signal ?? container.spec.stopSignal } } = program(container.spec);
  if (onStop !== 'never') return node.finish(stop.ref, onStop);
  await clock.sleep?.(stop.graceMs);
  node.killContainer(stop.ref);
}

function checkRuns(node: FakeNode, ref: ContainerRef, stage: string): void {
  if (node.container(ref)?.pid == null) throw notFound(stage, `container ${nameOf(ref)} does not run`);
}

function nameOf(ref: ContainerRef): string {
  return `${ref.sandboxId}/${ref.name}`;
}

function checkName(kind: string, name: string): void {
  if (/^[a-z0-9_.-]{1,200}$/.test(name) && !/^\.{1,2}$/.test(name)) return;
  throw new BackendError('invalid-spec', `check ${kind}`, `"${name}" is not a plain name`);
}

function notFound(stage: string, message: string): BackendError {
  return new BackendError('not-found', stage, message);
}
