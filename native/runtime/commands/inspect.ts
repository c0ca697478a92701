import { openGroup } from '../container/groups.ts';
import type { ContainerState } from '../container/state.ts';
import { describeState, statusOf } from '../container/status.ts';
import type { RuntimeContext } from '../runtime-context.ts';

/** @returns the state as the runtime-spec has it. @throws BackendError `not-found`. */
export async function inspectContainer(
  context: RuntimeContext,
  id: string,
): Promise<Readonly<Record<string, unknown>>> {
  const container = await context.store.load(id);
  return describeState(container, await statusOf(container, context.store.directoryOf(id)));
}

/** @returns the states of all containers of this root; one that cannot be read is told in the log. */
export async function listContainers(context: RuntimeContext): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const found: Readonly<Record<string, unknown>>[] = [];
  for (const id of await context.store.list()) {
    try {
      found.push(await inspectContainer(context, id));
    } catch (error) {
      context.log.warn(`${id}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** @returns the processes of a container as the node numbers them. @throws BackendError `not-found`. */
export async function processesOf(context: RuntimeContext, id: string): Promise<readonly number[]> {
  const container: ContainerState = await context.store.load(id);
  return (await openGroup(container.cgroupPath)).pids();
}
