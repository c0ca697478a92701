import type { ContainerBackend } from './backend.ts';
import { withCodedErrors } from './coded-errors.ts';
import { pauseContainer, resumeContainer } from './container/pause.ts';
import { removeContainer } from './container/remove.ts';
import { startContainer } from './container/start.ts';
import { stopContainer } from './container/stop.ts';
import { endUnfinishedStarts } from './container/unfinished-starts.ts';
import { updateLimits } from './container/update-limits.ts';
import { execContainer } from './exec/exec-container.ts';
import { createNetwork } from './network/create.ts';
import { reconnectSandbox } from './network/reconnect.ts';
import { removeNetwork } from './network/remove.ts';
import { applyTraffic } from './network/traffic.ts';
import { repairNetworks } from './network/whole.ts';
import { observe } from './observation/observe.ts';
import { removeStranger } from './observation/remove-stranger.ts';
import { stats, statsOfAll } from './observation/stats.ts';
import { watchChanges } from './observation/watch.ts';
import { type KernelBackendOptions, openContext } from './open-context.ts';
import { removeLeftovers } from './records/leftovers.ts';
import { createSandbox } from './sandbox/create.ts';
import { removeSandbox } from './sandbox/remove.ts';
import { volumeDirectory } from './sandbox/volumes.ts';

/**
 * Opens the backend that runs containers on this node's kernel, adopting whatever an earlier one left running.
 * One process at a time may use a set of directories. Needs root.
 * @throws BackendError `unsupported` without the cgroup controllers, `internal` when the native code is not built.
 */
export async function createKernelBackend(options: KernelBackendOptions): Promise<ContainerBackend> {
  const context = await openContext(options);
  await removeLeftovers(context);
  await repairNetworks(context);
  await endUnfinishedStarts(context);
  return withCodedErrors({
    createNetwork: (spec) => createNetwork(context, spec),
    removeNetwork: (name) => removeNetwork(context, name),
    applyTraffic: (rules) => applyTraffic(context, rules),
    createSandbox: (spec) => createSandbox(context, spec),
    reconnectSandbox: (id) => reconnectSandbox(context, id),
    volumeDirectory: (id, name) => volumeDirectory(context, id, name),
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
    stats: (ref) => stats(context, ref),
    statsOfAll: () => statsOfAll(context),
    watch: (onChange) => watchChanges(context, onChange),
    watchLimits: (onEvents) => context.limitEvents.watch(onEvents),
  });
}
