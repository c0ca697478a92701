import { mkdir } from 'node:fs/promises';
import type { ContainerBackend } from './backend.ts';
import { createCgroupDriver } from './cgroup/driver.ts';
import { pauseContainer, resumeContainer } from './container/pause.ts';
import { removeContainer } from './container/remove.ts';
import { startContainer } from './container/start.ts';
import { stopContainer } from './container/stop.ts';
import { updateLimits } from './container/update-limits.ts';
import type { BackendContext } from './context.ts';
import { execContainer } from './exec/exec-container.ts';
import { createShimLauncher } from './launch/shim.ts';
import { createLiveness } from './observation/liveness.ts';
import { observe } from './observation/observe.ts';
import { removeStranger } from './observation/remove-stranger.ts';
import { watchChanges } from './observation/watch.ts';
import { readBootId } from './process/boot-id.ts';
import { createKeyedLock } from './process/keyed-lock.ts';
import { createLayout } from './records/layout.ts';
import { removeLeftovers } from './records/leftovers.ts';
import { createRecordStore } from './records/store.ts';
import { createSandbox } from './sandbox/create.ts';
import { removeSandbox } from './sandbox/remove.ts';

export interface KernelBackendOptions {
  /** On a disk, survives a reboot: the containers' writable layers. */
  readonly stateDir: string;
  /** On a tmpfs, gone with a reboot: records of what runs. */
  readonly runDir: string;
  /** Our root below every cgroup hierarchy, such as `/holdfast`. */
  readonly cgroupRoot: string;
  /** The shim program; the one built with this code unless given. */
  readonly shimPath?: string;
}

/**
 * Opens the backend that runs containers on this node's kernel, adopting whatever an earlier one left running.
 * One process at a time may use a set of directories. Needs root.
 * @throws BackendError `unsupported` without the cgroup controllers, `internal` when the native code is not built.
 */
export async function createKernelBackend(options: KernelBackendOptions): Promise<ContainerBackend> {
  const layout = createLayout(options);
  for (const directory of [layout.sandboxesDir, layout.exitsDir, layout.containersDir]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  const context: BackendContext = {
    layout,
    records: createRecordStore(layout),
    cgroups: await createCgroupDriver({ root: options.cgroupRoot }),
    launcher: createShimLauncher(options.shimPath),
    bootId: await readBootId(),
    locks: createKeyedLock(),
    inFlight: new Set(),
    liveness: createLiveness(),
  };
  await removeLeftovers(context);
  return {
    createSandbox: (spec) => createSandbox(context, spec),
    removeSandbox: (id) => removeSandbox(context, id),
    startContainer: (spec) => startContainer(context, spec),
    stopContainer: (ref, stop) => stopContainer(context, ref, stop),
    removeContainer: (ref) => removeContainer(context, ref),
    pauseContainer: (ref) => pauseContainer(context, ref),
    resumeContainer: (ref) => resumeContainer(context, ref),
    execContainer: (ref, spec) => execContainer(context, ref, spec),
    updateLimits: (ref, limits) => updateLimits(context, ref, limits),
    removeStranger: (id) => removeStranger(context, id),
    observe: () => observe(context),
    watch: (onChange) => watchChanges(context, onChange),
  };
}
