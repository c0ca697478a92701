import type { KernelGuest } from '../../native/index.ts';
import type { VerbContext } from './verb-context.ts';

/** Opens the node's containers beside the agent, which may run or be down. Needs root. Loaded only by the verbs that use it. */
export async function openGuest({ config }: VerbContext): Promise<KernelGuest> {
  const { paths, cgroupRoot } = await config();
  const { openKernelGuest } = await import('../../native/index.ts');
  return openKernelGuest({ stateDir: paths.state, runDir: paths.run, cgroupRoot });
}
