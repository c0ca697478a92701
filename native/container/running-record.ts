import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { groupOf } from '../records/layout.ts';
import type { ContainerRecord } from '../records/records.ts';
import { checkRef } from './check-spec.ts';
import { isContainerAlive } from './is-alive.ts';

/** The record of a container whose init runs, paused or not. */
export type RunningRecord = ContainerRecord & { readonly running: NonNullable<ContainerRecord['running']> };

/**
 * Finds a container that runs.
 * @param stage what it is needed for, named in the error.
 * @throws BackendError `not-found` when it does not run, `invalid-spec` for a name that is none.
 */
export async function runningRecord(
  context: Pick<BackendContext, 'records' | 'bootId'>,
  ref: ContainerRef,
  stage: string,
): Promise<RunningRecord> {
  checkRef(ref);
  const found = await context.records.container(ref);
  const running = found.state === 'found' ? found.record.running : null;
  if (found.state === 'found' && running !== null && (await isContainerAlive(context, found.record))) {
    return { ...found.record, running };
  }
  throw new BackendError('not-found', stage, `container ${groupOf(ref)} does not run`);
}
