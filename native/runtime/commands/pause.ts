import { openGroup } from '../container/groups.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';

/** Stops every process of a container where it is. */
export async function pauseContainer(context: RuntimeContext, id: string): Promise<void> {
  const container = await expectStatus(context, id, ['running', 'created']);
  await (await openGroup(container.cgroupPath)).freeze();
}

/** Lets a paused container run on. */
export async function resumeContainer(context: RuntimeContext, id: string): Promise<void> {
  const container = await expectStatus(context, id, ['paused']);
  await (await openGroup(container.cgroupPath)).thaw();
}
