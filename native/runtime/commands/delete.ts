import { BackendError } from '../../errors.ts';
import { openGroup } from '../container/groups.ts';
import { runHooksOnward } from '../container/hooks.ts';
import type { ContainerState } from '../container/state.ts';
import { describeState } from '../container/status.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';

/** Removes a container. @param options `isForced` also kills one that is not stopped, and finds none no failure. */
export async function deleteContainer(
  context: RuntimeContext,
  id: string,
  options: { readonly isForced: boolean },
): Promise<void> {
  if (!options.isForced) return removeContainer(context, await expectStatus(context, id, ['stopped']));
  try {
    await removeContainer(context, await context.store.load(id));
  } catch (error) {
    const isAbsent = error instanceof BackendError && error.code === 'not-found' && error.stage === 'find container';
    if (!isAbsent) throw error;
  }
}

/** Kills what is left of a container and removes its group and its state, the state last. */
export async function removeContainer(context: RuntimeContext, container: ContainerState): Promise<void> {
  const group = await openGroup(container.cgroupPath);
  await group.kill();
  await group.remove();
  await context.store.remove(container.id);
  const state = describeState(container, 'stopped');
  await runHooksOnward({ hooks: container.hooks, stage: 'poststop', state, inside: null }, context.log.warn);
}
