import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BackendError } from '../../errors.ts';
import { writeDurably } from '../../files/durable.ts';
import { labelsToSet } from '../../labels/labels-to-set.ts';
import { readBootId } from '../../process/boot-id.ts';
import { ownProcessId } from '../../process/process-id.ts';
import { checkMountPower } from '../config/check-config.ts';
import { deniesDevices } from '../config/denies-devices.ts';
import { readConfig } from '../config/read-config.ts';
import { type BundleConfig, type BundleProcess, bundleProcess } from '../config/schema.ts';
import { cgroupPathOf, openGroup } from '../container/groups.ts';
import { runHooks } from '../container/hooks.ts';
import type { ContainerState } from '../container/state.ts';
import { describeState } from '../container/status.ts';
import type { BundleTerminal, Ending } from '../launch/bundle-launch.ts';
import { createProcess, type StartedProcess } from '../launch/create-process.ts';
import { launchOfBundle } from '../launch/launch-of-bundle.ts';
import { launchProcessOf } from '../launch/launch-process.ts';
import { hierarchyOf } from '../launch/mounts.ts';
import type { RuntimeContext } from '../runtime-context.ts';
import { removeContainer } from './delete.ts';

export interface CreateOptions {
  readonly bundle: string;
  readonly pidFile?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly preservedCount: number;
}

/**
 * Creates a container: everything but its program runs. Nothing is left of it when that fails.
 * @returns its first process; its end is awaited when `ending` says so.
 */
export async function createContainer(
  context: RuntimeContext,
  id: string,
  options: CreateOptions,
  ending: Ending = 'left',
): Promise<StartedProcess> {
  const bundle = await realpath(options.bundle).catch(() => resolve(options.bundle));
  const config = await readConfig(bundle);
  const terminal = terminalOf(config.process, options.consoleSocket, ending);
  const container = await newContainer(config, id, bundle);
  await claim(context, container);
  try {
    const started = await create(context, { container, config, options, terminal, ending });
    warnOfClamped(context, started);
    if (options.pidFile !== undefined) await writePid(options.pidFile, started);
    return started;
  } catch (error) {
    await removeContainer(context, container).catch((cause: Error) => context.log.warn(cause.message));
    throw error;
  }
}

async function newContainer(config: BundleConfig, id: string, bundle: string): Promise<ContainerState> {
  return {
    ...{ id, bundle },
    rootfs: resolve(bundle, config.root.path),
    annotations: config.annotations,
    createdAt: new Date().toISOString(),
    bootId: await readBootId(),
    creator: ownProcessId(),
    init: null,
    cgroupPath: cgroupPathOf(config, id),
    hooks: config.hooks,
    process: config.process ?? null,
    seccomp: config.linux.seccomp ?? null,
    deniesDevices: deniesDevices(config),
    personality: config.linux.personality && { domain: config.linux.personality.domain },
    hasOwnUsers: config.linux.namespaces.some(({ type }) => type === 'user'),
    resources: config.linux.resources,
  };
}

/** Tells what the node did not grant in full. */
export function warnOfClamped({ log }: RuntimeContext, { clamped }: StartedProcess): void {
  if (clamped.length === 0) return;
  const names = clamped.map((name) => `process.${name}`).join(', ');
  log.note(`${names}: set as far as this node grants it, which is less than was asked for`);
}

/** Writes a pid where an engine waits for it. */
export function writePid(path: string, { process }: StartedProcess): Promise<void> {
  return writeDurably(resolve(path), String(process.pid), 0o644);
}

/**
 * @returns where the other side of a process's terminal goes: to the socket, or to this process's own streams while it
 * waits. @throws BackendError `invalid-spec` for a socket without a terminal, and where nobody would have it.
 */
export function terminalOf(
  process: BundleProcess | undefined,
  consoleSocket: string | undefined,
  ending: Ending,
): BundleTerminal {
  const wantsTerminal = process?.terminal === true;
  if (wantsTerminal && consoleSocket !== undefined) return { kind: 'sent', socket: resolve(consoleSocket) };
  if (wantsTerminal && ending === 'awaited') return { kind: 'relayed' };
  if (!wantsTerminal && consoleSocket === undefined) return { kind: 'none' };
  const message = wantsTerminal
    ? 'process.terminal is true: --console-socket is needed to take the terminal of what is not waited for'
    : '--console-socket is given, but process.terminal is not true';
  throw new BackendError('invalid-spec', 'check terminal', message);
}

/** A container's group may hold nothing of others, because all of it is killed. What is refused here leaves no state. */
async function claim(context: RuntimeContext, container: ContainerState): Promise<void> {
  const { id, cgroupPath } = container;
  await context.store.claim(container);
  try {
    const held = await (await openGroup(cgroupPath)).pids();
    if (held.length === 0) return;
    const message = `cgroup ${cgroupPath} holds processes already (${held.join(', ')}): choose another`;
    throw new BackendError('invalid-spec', 'claim cgroup', message);
  } catch (error) {
    await context.store.remove(id);
    throw error;
  }
}

interface Creation {
  readonly container: ContainerState;
  readonly config: BundleConfig;
  readonly options: CreateOptions;
  readonly terminal: BundleTerminal;
  readonly ending: Ending;
}

async function create(
  context: RuntimeContext,
  { container, config, options, terminal, ending }: Creation,
): Promise<StartedProcess> {
  const { cgroupPath, hooks } = container;
  const process = config.process ?? NO_PROCESS;
  const labels = await labelsToSet({ ...process, mountLabel: config.linux.mountLabel });
  const group = await openGroup(cgroupPath);
  const clamped = await group.create(container.resources);
  checkMountPower(process, container, group);
  for (const setting of clamped) context.log.note(`this node holds ${setting} only in part`);
  const groupFiles = group.entryFiles();
  const { shimPath } = context;
  const scratchDir = context.store.directoryOf(container.id);
  const launch = launchOfBundle(config, {
    bundle: container.bundle,
    groupFiles,
    groupDirs: groupFiles.map((file) => ({ path: dirname(file), hierarchy: hierarchyOf(dirname(file), cgroupPath) })),
    stateDir: scratchDir,
    mountLabel: labels.mountLabel,
    process: launchProcessOf({ ...process, execCPUAffinity: undefined }, container, labels),
    terminal,
    preservedCount: options.preservedCount,
    ending,
  });
  return createProcess(launch, shimPath, async (init) => {
    const made = { ...container, init };
    await context.store.save(made);
    // The hooks come after the environment is made (step 2 of the lifecycle), and `created` is what that is called.
    const state = describeState(made, 'created');
    await runHooks({ hooks, stage: 'prestart', state, inside: null });
    await runHooks({ hooks, stage: 'createRuntime', state, inside: null });
    await runHooks({ hooks, stage: 'createContainer', state, inside: { process: init, scratchDir, shimPath } });
  });
}

/** Stands in for the process of a container that has none, and is therefore never started. */
const NO_PROCESS = bundleProcess.parse({ args: ['none'], cwd: '/', user: { uid: 0, gid: 0 } });
