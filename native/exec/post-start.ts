import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRef, ExecExit } from '../backend.ts';
import type { BackendContext } from '../context.ts';
import { BackendError } from '../errors.ts';
import { groupOf } from '../records/layout.ts';
import { execContainerLocked } from './exec-container.ts';

/** While it runs nothing else happens to its sandbox but a stop. */
export const LONGEST_POST_START_MS = 120_000;

const STAGE = 'postStart';

/**
 * Runs a container's postStart command to its end; within the sandbox's lock.
 * @throws BackendError `hook-failed` unless it ends with status 0 in time.
 */
export async function runPostStart(context: BackendContext, ref: ContainerRef, args: readonly string[]): Promise<void> {
  const session = await execContainerLocked(context, ref, { args }).catch((cause: Error) => {
    throw failure(ref, cause.message, cause);
  });
  session.stdin.end();
  session.stdout.resume();
  session.stderr.resume();
  const over = new AbortController();
  const timeout = sleep(LONGEST_POST_START_MS, null, { signal: over.signal }).catch(() => null);
  const exit = await Promise.race([session.exited, timeout]);
  over.abort();
  session.kill();
  if (exit?.code !== 0) throw failure(ref, describe(exit));
}

function describe(exit: ExecExit | null): string {
  if (exit === null) return `it did not end within ${LONGEST_POST_START_MS} ms`;
  if (exit.lost) return 'nobody saw how it ended';
  return exit.signal === null ? `it ended with status ${exit.code}` : `it was killed by ${exit.signal}`;
}

function failure(ref: ContainerRef, why: string, cause?: Error): BackendError {
  const message = `the postStart command of container ${groupOf(ref)} failed: ${why}`;
  return new BackendError('hook-failed', STAGE, message, { cause });
}
