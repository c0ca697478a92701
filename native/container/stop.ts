import type { ContainerRef } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { sendSignal } from '../process/send-signal.ts';
import { signalNumber } from '../process/signals.ts';
import { waitUntil } from '../process/wait-until.ts';
import { groupOf } from '../records/layout.ts';
import type { ContainerRecord } from '../records/records.ts';
import { checkRef } from './check-spec.ts';
import { isContainerAlive, isShimAlive } from './is-alive.ts';

const SHIM_END_MS = 5_000;

/** Asks a container to end, letting it go on if it is paused, then makes it. Resolves once none of its processes is left and its exit is on record. */
export async function stopContainer(
  context: BackendContext,
  ref: ContainerRef,
  options: { readonly graceMs: number; readonly signal?: string },
): Promise<void> {
  checkRef(ref);
  const found = await context.records.container(ref);
  if (found.state !== 'found') return;
  const { record } = found;
  const signal = signalNumber(options.signal ?? record.stopSignal);
  if (record.running !== null && (await isContainerAlive(context, record))) {
    sendSignal(record.running.init, signal);
    await context.cgroups.thaw(groupOf(ref));
    await waitUntil(async () => !(await isContainerAlive(context, record)), options.graceMs);
  }
  if (!(await isSameAttempt(context, record))) return;
  await context.cgroups.kill(groupOf(ref));
  if (await waitUntil(async () => !(await isShimAlive(context, record)), SHIM_END_MS)) return;
  throw new BackendError(
    'kernel',
    'stop container',
    `the shim of ${groupOf(ref)} did not end within ${SHIM_END_MS} ms`,
  );
}

/** The wait holds no lock: by now the container may have been removed, and started anew. */
async function isSameAttempt(context: BackendContext, record: ContainerRecord): Promise<boolean> {
  const found = await context.records.container(record);
  return found.state === 'found' && found.record.attempt === record.attempt;
}
