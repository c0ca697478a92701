import { join } from 'node:path';
import { type ContainerBackend, removeTree } from '../../native/index.ts';
import { type PodFileRoots, removePodFiles } from './pod-files.ts';

interface RemovalPorts {
  readonly backend: Pick<ContainerBackend, 'observe' | 'removeContainer' | 'removeSandbox'>;
  readonly roots: PodFileRoots;
  readonly logs: { readonly dir: string };
}

/**
 * Removes a pod with its files and logs. The containers go first, so that nobody works in what is deleted; the sandbox
 * goes last, for it is by its record that a pod whose removal was interrupted is found again.
 */
export async function removePod({ backend, roots, logs }: RemovalPorts, pod: string): Promise<void> {
  const { sandboxes } = await backend.observe();
  const containers = sandboxes.find((sandbox) => sandbox.id === pod)?.containers ?? [];
  for (const { sandboxId, name } of containers) await backend.removeContainer({ sandboxId, name });
  await removePodFiles(roots, pod);
  await removeTree(join(logs.dir, pod));
  await backend.removeSandbox(pod);
}
