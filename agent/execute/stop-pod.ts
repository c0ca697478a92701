import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerBackend, ContainerRef } from '../../native/index.ts';
import { readContainerLabels } from '../observe/labels.ts';

/** What is left for the stop signal when a hook used up the grace period (as kubelet does). */
const LEAST_GRACE_MS = 2_000;

/**
 * Stops every container of a pod. They share the grace period, so they are stopped beside each other; a container's
 * preStop command runs before its stop signal, within the same period, and whether it succeeds changes nothing.
 * @throws what the backend throws for the first container that could not be stopped.
 */
export async function stopPod(backend: ContainerBackend, pod: string, graceMs: number): Promise<void> {
  const { sandboxes } = await backend.observe();
  const containers = sandboxes.find((sandbox) => sandbox.id === pod)?.containers ?? [];
  const running = containers.filter((container) => container.state !== 'exited');
  const stopped = await Promise.allSettled(
    running.map(async ({ sandboxId, name, labels }) => {
      const { preStop, preStopSleepMs } = readContainerLabels(labels);
      const left =
        preStop === null
          ? await waitBefore(preStopSleepMs ?? 0, graceMs)
          : await runPreStop(backend, { sandboxId, name }, preStop, graceMs);
      await backend.stopContainer({ sandboxId, name }, { graceMs: left });
    }),
  );
  for (const result of stopped) if (result.status === 'rejected') throw result.reason;
}

/** Waits as long as the manifest says, within the grace period. @returns what is left of it, milliseconds. */
async function waitBefore(waitMs: number, graceMs: number): Promise<number> {
  const waited = Math.min(waitMs, graceMs);
  if (waited > 0) await sleep(waited);
  return leftOf(graceMs, waited);
}

/** What is left for the stop signal is never nothing, unless there is no grace at all. */
function leftOf(graceMs: number, usedMs: number): number {
  return Math.max(Math.min(LEAST_GRACE_MS, graceMs), graceMs - usedMs);
}

/** @returns what is left of the grace period, milliseconds. */
async function runPreStop(
  backend: ContainerBackend,
  ref: ContainerRef,
  args: readonly string[],
  graceMs: number,
): Promise<number> {
  const started = performance.now();
  const session = await backend.execContainer(ref, { args }).catch(() => null);
  if (session !== null) {
    const over = new AbortController();
    session.stdin.end();
    session.stdout.resume();
    session.stderr.resume();
    await Promise.race([session.exited, sleep(graceMs, undefined, { signal: over.signal }).catch(() => undefined)]);
    over.abort();
    session.kill();
  }
  return leftOf(graceMs, performance.now() - started);
}
