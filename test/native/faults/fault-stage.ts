import { chmod, copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerSpec, ExecSession, ExecSpec, OciMount, SandboxSpec } from '../../../native/index.ts';
import { defaultSeccomp } from '../../../native/index.ts';
import { containerSpec } from '../../contract/container-programs.ts';
import { LIMITS, until } from '../../contract/contract-stage.ts';
import { type KernelGround, openKernelGround } from '../../contract/kernel-ground.ts';
import { type Attempt, attemptWith, type Fault } from './attempt.ts';
import { openFaultyVolumes } from './faulty-volumes.ts';
import { buildInjector } from './injector.ts';
import { portraitOf } from './portrait.ts';

/** Starts and ends sandboxes and containers with one fault each. */
export interface FaultStage {
  /** Makes a sandbox and removes it again. */
  sandbox(fault: Fault | null): Promise<Attempt>;
  /** Starts a container in a sandbox without faults, stops and removes it. */
  container(fault: Fault | null): Promise<Attempt>;
  /** Runs a program in a container without faults, and ends it. */
  exec(fault: Fault | null): Promise<Attempt>;
  close(): Promise<void>;
}

const SANDBOX: SandboxSpec = { id: 'pod', labels: {}, hostname: 'web-0', network: 'private', users: 'private' };

/** What pods may differ in that changes which calls the shim makes. */
export type SandboxChanges = Pick<SandboxSpec, 'processes' | 'ipc' | 'sysctls' | 'volumes'>;
const NAME = 'app';
/** The kernel takes from a set-user-ID program the bond to its shim: nothing but the shim's own care ends it then. */
const EXEC: ExecSpec = { args: ['/bin/sleep', '1000'], user: { uid: 1000, gid: 1000 }, cwd: '/c' };

/** Opens a stage on the kernel of this machine. @param changes of the sandboxes that are made. */
export async function openFaultStage(changes: SandboxChanges = {}): Promise<FaultStage> {
  const injector = await buildInjector();
  const ground = await openKernelGround({ shimPath: injector.shimPath });
  const volumes = await openFaultyVolumes(ground, changes);
  const spec = faultySpec(ground, volumes.mounts);
  await addSetUserId(ground.layers[0] ?? '');
  const { backend } = ground;
  const sandbox = { ...SANDBOX, ...changes };
  let hasSandbox = false;
  let hasContainer = false;
  const withContainer = async (): Promise<void> => {
    if (hasContainer) return;
    await injector.arm(null);
    await backend.createSandbox(sandbox);
    await backend.startContainer(withPrivileges(spec));
    const session = await backend.execContainer(spec, EXEC);
    session.kill();
    await session.exited;
    hasContainer = true;
  };
  return {
    sandbox: async (fault) => {
      const { id } = SANDBOX;
      if (hasSandbox) await backend.removeSandbox(id);
      hasSandbox = false;
      return attemptWith(injector, fault, {
        traces: () => traces(ground),
        isRemovedAnyway: false,
        start: () => backend.createSandbox(sandbox),
        portrait: async () => portraitIn(ground, (await backend.observe()).sandboxes[0]?.pid),
        stop: async () => undefined,
        remove: () => backend.removeSandbox(id),
      });
    },
    container: async (fault) => {
      if (!hasSandbox) {
        await injector.arm(null);
        await backend.createSandbox(sandbox);
        // The log stays as long as the sandbox: from here on it is there before every attempt.
        await backend.startContainer(spec);
        await backend.removeContainer(spec);
        hasSandbox = true;
      }
      await volumes.clear();
      return attemptWith(injector, fault, {
        traces: () => traces(ground),
        isRemovedAnyway: false,
        start: () => backend.startContainer(spec),
        portrait: async () => portraitIn(ground, (await backend.observe()).sandboxes[0]?.containers[0]?.pid),
        stop: async () => {
          await backend.stopContainer(spec, { graceMs: 0 });
          const { finishedAt, ...exit } = (await backend.observe()).sandboxes[0]?.containers[0]?.exit ?? {};
          return exit;
        },
        remove: () => backend.removeContainer(spec),
      });
    },
    exec: async (fault) => {
      await withContainer();
      let session: ExecSession | null = null;
      return attemptWith(injector, fault, {
        traces: () => traces(ground),
        isRemovedAnyway: false,
        start: async () => {
          session = await backend.execContainer(spec, EXEC);
        },
        portrait: async () =>
          session === null ? null : { ...(await portraitOnceDropped(session.pid)), ...clampedFields(session.clamped) },
        stop: async () => {
          session?.kill();
          return session?.exited;
        },
        remove: async () => undefined,
      });
    },
    close: async () => {
      await ground.close();
      await injector.remove();
    },
  };
}

async function portraitIn(
  ground: KernelGround,
  pid: number | null | undefined,
): Promise<Readonly<Record<string, unknown>> | null> {
  return pid == null ? null : { ...(await portraitOf(pid)), ...(await clampedOf(ground)) };
}

/** What the record says the kernel refused in full need not be as it was asked for. */
async function clampedOf({ runDir }: KernelGround): Promise<Readonly<Record<string, string>>> {
  const path = join(runDir, 'sandboxes', SANDBOX.id, 'containers', `${NAME}.json`);
  const record = JSON.parse(await readFile(path, 'utf8').catch(() => '{"clamped":[]}'));
  return clampedFields(record.clamped);
}

function clampedFields(names: readonly string[]): Readonly<Record<string, string>> {
  const told: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    rlimits: { limits: 'clamped' },
    oomScoreAdj: { oomScore: 'clamped' },
  };
  return Object.assign({}, ...names.map((name) => told[name]));
}

async function traces(ground: KernelGround): Promise<readonly string[]> {
  const descriptors = (await readdir('/proc/self/fd')).length;
  return [...(await ground.leftovers(SANDBOX.id)), `${descriptors} descriptors`];
}

/** busybox gives up what the file's owner lends it, a moment after it is executed. */
async function portraitOnceDropped(pid: number): Promise<Readonly<Record<string, unknown>>> {
  await until(async () => /^Uid:\t(\d+)\t\1\t/m.test(await readFile(`/proc/${pid}/status`, 'utf8')));
  return portraitOf(pid);
}

async function addSetUserId(layer: string): Promise<void> {
  const path = join(layer, 'bin/sleep');
  await copyFile('/bin/busybox', path);
  await chmod(path, 0o4755);
}

function withPrivileges(spec: ContainerSpec): ContainerSpec {
  const { config } = spec;
  return { ...spec, config: { ...config, process: { ...config.process, noNewPrivileges: false } } };
}

/** Everything the shim can be asked for, and a program that makes no call of its own. */
function faultySpec(ground: KernelGround, more: readonly OciMount[]): ContainerSpec {
  const plain = containerSpec({ sandboxId: SANDBOX.id, name: NAME, program: 'stubborn', limits: LIMITS, ground });
  const { process, linux } = plain.config;
  const source = ground.layers[0] ?? '';
  return {
    ...plain,
    config: {
      ...plain.config,
      process: {
        ...process,
        args: ['/bin/busybox', 'sleep', '1000'],
        cwd: '/made/for/it',
        user: { uid: 1000, gid: 1000, umask: 0o27, additionalGids: [7] },
        oomScoreAdj: 500,
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 }],
      },
      mounts: [
        { destination: '/a/b', type: 'tmpfs', source: '', options: ['size=64k'] },
        { destination: '/c/d', type: 'bind', source, options: ['rbind', 'idmap', 'ro'] },
        ...more,
      ],
      linux: {
        ...linux,
        maskedPaths: ['/proc/kcore', '/sys/firmware'],
        readonlyPaths: ['/proc/sys'],
        seccomp: defaultSeccomp,
      },
    },
  };
}
