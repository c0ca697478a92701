import { BackendError } from '../../errors.ts';
import { sendSignal } from '../../process/send-signal.ts';
import { signalNumber } from '../../process/signals.ts';
import { openGroup } from '../container/groups.ts';
import { statusOf } from '../container/status.ts';
import type { RuntimeContext } from '../runtime-context.ts';

/** Sends a signal to a container's first process, or to all in its group. @throws BackendError `not-found` when it has ended. */
export async function killContainer(
  context: RuntimeContext,
  id: string,
  options: { readonly signal: string; readonly isForAll: boolean },
): Promise<void> {
  const container = await context.store.load(id);
  const number = signalNumber(options.signal);
  if (options.isForAll) {
    for (const pid of await (await openGroup(container.cgroupPath)).pids()) signal(pid, number);
    return;
  }
  const status = await statusOf(container, context.store.directoryOf(id));
  const isSent = status !== 'stopped' && container.init !== null && sendSignal(container.init, number);
  if (!isSent) throw new BackendError('not-found', 'kill', `container ${JSON.stringify(id)} is not running`);
}

function signal(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
