import type { ContainerBackend } from './backend.ts';
import { execContainer } from './exec/exec-container.ts';
import { observe } from './observation/observe.ts';
import { stats, statsOfAll } from './observation/stats.ts';
import { type KernelBackendOptions, openContext } from './open-context.ts';

/** What may be done beside the process that owns a backend's directories: none of it changes what is on record. */
export type KernelGuest = Pick<ContainerBackend, 'observe' | 'stats' | 'statsOfAll' | 'execContainer'>;

/** Opens a backend that another process owns, the agent say, running or not. Needs root. @throws as `createKernelBackend` does. */
export async function openKernelGuest(options: KernelBackendOptions): Promise<KernelGuest> {
  const context = await openContext(options);
  return {
    observe: () => observe(context),
    stats: (ref) => stats(context, ref),
    statsOfAll: () => statsOfAll(context),
    execContainer: (ref, spec) => execContainer(context, ref, spec),
  };
}
