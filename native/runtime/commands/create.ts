import { mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BackendError } from '../../errors.ts';
import { writeDurably } from '../../files/durable.ts';
import { type Labels, labelsToSet } from '../../labels/labels-to-set.ts';
import { readBootId } from '../../process/boot-id.ts';
import type { ProcessId } from '../../process/process-id.ts';
import { readConfig } from '../config/read-config.ts';
import type { BundleConfig } from '../config/schema.ts';
import { cgroupPathOf, limitsOf, openGroup } from '../container/groups.ts';
import { runHooks } from '../container/hooks.ts';
import type { ContainerState } from '../container/state.ts';
import { describeState } from '../container/status.ts';
import { createProcess } from '../launch/create-process.ts';
import { launchOfBundle } from '../launch/launch-of-bundle.ts';
import { hierarchyOf } from '../launch/mounts.ts';
import type { RuntimeContext } from '../runtime-context.ts';
import { removeContainer } from './delete.ts';

export interface CreateOptions {
  readonly bundle: string;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
}

/** Creates a container: everything but its program runs. Nothing is left of it when that fails. */
export async function createContainer(context: RuntimeContext, id: string, options: CreateOptions): Promise<void> {
  const bundle = await realpath(options.bundle).catch(() => resolve(options.bundle));
  const config = await readConfig(bundle);
  checkTerminal(config, options);
  const container: ContainerState = {
    id,
    bundle,
    rootfs: resolve(bundle, config.root.path),
    annotations: config.annotations,
    createdAt: new Date().toISOString(),
    bootId: await readBootId(),
    init: null,
    cgroupPath: cgroupPathOf(config, id),
    hooks: config.hooks,
  };
  await claim(context, container);
  try {
    const init = await create(context, { container, config, options });
    if (options.pidFile !== undefined) await writeDurably(resolve(options.pidFile), String(init.pid), 0o644);
  } catch (error) {
    await removeContainer(context, container).catch((cause: Error) => context.log.warn(cause.message));
    throw error;
  }
}

function checkTerminal({ process }: BundleConfig, { consoleSocket }: CreateOptions): void {
  if (process.terminal === (consoleSocket !== undefined)) return;
  const message = process.terminal
    ? 'process.terminal is true: --console-socket is needed to take the terminal'
    : '--console-socket is given, but process.terminal is not true';
  throw new BackendError('invalid-spec', 'check terminal', message);
}

/** The directory's name is taken by one create only; its group may hold nothing of others, because all of it is killed. */
async function claim(context: RuntimeContext, container: ContainerState): Promise<void> {
  const directory = context.store.directoryOf(container.id);
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (cause) {
    const message = `container ${JSON.stringify(container.id)} exists already`;
    throw new BackendError('invalid-spec', 'claim id', message, { cause });
  }
  const held = await (await openGroup(container.cgroupPath)).pids();
  if (held.length === 0) return context.store.save(container);
  await rm(directory, { recursive: true });
  const message = `cgroup ${container.cgroupPath} holds processes already (${held.join(', ')}): choose another`;
  throw new BackendError('invalid-spec', 'claim cgroup', message);
}

interface Creation {
  readonly container: ContainerState;
  readonly config: BundleConfig;
  readonly options: CreateOptions;
}

async function create(context: RuntimeContext, { container, config, options }: Creation): Promise<ProcessId> {
  const { cgroupPath, hooks } = container;
  const labels = await labelsToSet(labelsOf(config));
  const group = await openGroup(cgroupPath);
  await group.create(limitsOf(config));
  const groupFiles = group.entryFiles;
  const scratchDir = context.store.directoryOf(container.id);
  const launch = launchOfBundle(config, {
    bundle: container.bundle,
    groupFiles,
    groupDirs: groupFiles.map((file) => ({ path: dirname(file), hierarchy: hierarchyOf(dirname(file), cgroupPath) })),
    stateDir: scratchDir,
    labels,
    consoleSocket: options.consoleSocket === undefined ? null : resolve(options.consoleSocket),
  });
  return createProcess(launch, async (process) => {
    const made = { ...container, init: process };
    await context.store.save(made);
    const state = describeState(made, 'creating');
    await runHooks({ hooks, stage: 'prestart', state, inside: null });
    await runHooks({ hooks, stage: 'createRuntime', state, inside: null });
    await runHooks({ hooks, stage: 'createContainer', state, inside: { process, scratchDir } });
  });
}

function labelsOf({ process, linux }: BundleConfig): Labels {
  return {
    apparmorProfile: process.apparmorProfile,
    selinuxLabel: process.selinuxLabel,
    mountLabel: linux.mountLabel,
  };
}
