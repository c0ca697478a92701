import type { RuntimeContext } from '../runtime-context.ts';
import { type CreateOptions, createContainer } from './create.ts';
import { deleteContainer } from './delete.ts';
import { forwardSignals } from './forward-signals.ts';
import { startContainer } from './start.ts';

export interface RunOptions extends CreateOptions {
  /** Comes back once the program runs. */
  readonly isLeft: boolean;
  /** Leaves the stopped container to `delete`. */
  readonly isKept: boolean;
}

/** Creates and starts a container and waits for its end. @returns its exit status, 0 for one that is left. */
export async function runContainer(context: RuntimeContext, id: string, options: RunOptions): Promise<number> {
  const { process, ended } = await createContainer(context, id, options, options.isLeft ? 'left' : 'awaited');
  const stopForwarding = options.isLeft ? (): void => undefined : forwardSignals(process);
  try {
    await startContainer(context, id);
  } catch (error) {
    await deleteContainer(context, id, { isForced: true });
    throw error;
  }
  const status = await ended;
  stopForwarding();
  if (!options.isLeft && !options.isKept) await deleteContainer(context, id, { isForced: true });
  return status;
}
