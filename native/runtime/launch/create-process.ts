import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ClampedSetting } from '../../backend.ts';
import { BackendError } from '../../errors.ts';
import { decodeReport, REPORT_BYTES, type ShimReport } from '../../launch/report.ts';
import type { ProcessId } from '../../process/process-id.ts';
import type { BundleExecLaunch, BundleLaunch } from './bundle-launch.ts';
import { encodeBundleExecLaunch, encodeBundleLaunch } from './encode-bundle.ts';
import { startShim } from './start-shim.ts';

/** A process that was started. */
export interface StartedProcess {
  readonly process: ProcessId;
  /** Settings the kernel refused in full on this node and that were applied as far as it allows. */
  readonly clamped: readonly ClampedSetting[];
  /** Its exit status, 128 and the signal that ended it; 0 at once when its end is not awaited. */
  readonly ended: Promise<number>;
}

/**
 * Creates the container's first process, which waits for its start.
 * @param onNamespaces runs when its namespaces are made and its root is not; when it fails, so does the creation.
 * @throws BackendError with the stage that failed; nothing is left of the process then.
 */
export function createProcess(
  launch: BundleLaunch,
  shimPath: string,
  onNamespaces: (process: ProcessId) => Promise<void>,
): Promise<StartedProcess> {
  return runShim(
    { spec: () => encodeBundleLaunch(launch), scratchDir: launch.stateDir, shimPath, launch },
    async (next, go) => {
      const { process } = await next();
      await onNamespaces(process);
      go();
      return next();
    },
  );
}

/** Starts one more process in a container; it runs its program by then. @throws BackendError with the stage that failed. */
export function execProcess(
  launch: BundleExecLaunch,
  { shimPath, scratchDir }: Pick<ShimRun, 'shimPath' | 'scratchDir'>,
): Promise<StartedProcess> {
  return runShim({ spec: () => encodeBundleExecLaunch(launch), scratchDir, shimPath, launch }, (next) => next());
}

interface ShimRun {
  readonly spec: () => Buffer;
  readonly scratchDir: string;
  readonly shimPath: string;
  readonly launch: Pick<BundleLaunch, 'ending' | 'preservedCount'>;
}

async function runShim(
  { spec, scratchDir, shimPath, launch: { ending, preservedCount } }: ShimRun,
  talk: (next: () => Promise<ShimReport>, go: () => void) => Promise<ShimReport>,
): Promise<StartedProcess> {
  const shim = await startShim({ spec: encode(spec), scratchDir, shimPath, input: 'inherit', preservedCount });
  const socket = shim.stdio[4] as unknown as Socket;
  const ended = once(shim, 'exit').then(([status]) => status as number);
  const reports = readReports(socket);
  let isLeft = true;
  try {
    const { process, clamped } = await talk(reports.next, () => socket.write('g'));
    isLeft = ending === 'left';
    return { process, clamped, ended };
  } finally {
    socket.destroy();
    if (isLeft) await ended;
  }
}

function encode(spec: () => Buffer): Buffer {
  try {
    return spec();
  } catch (cause) {
    throw new BackendError('invalid-spec', 'encode launch spec', (cause as Error).message, { cause });
  }
}

/** Two reports come on one stream. */
function readReports(socket: Socket): { next(): Promise<ShimReport> } {
  let received = Buffer.alloc(0);
  let wake = (): void => {};
  let isOver = false;
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  for (const event of ['close', 'error', 'end'] as const) {
    socket.on(event, () => {
      isOver = true;
      wake();
    });
  }
  return {
    next: async () => {
      while (received.length < REPORT_BYTES && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (received.length < REPORT_BYTES)
        throw new BackendError('internal', 'read shim report', 'the shim ended without a word');
      const report = received.subarray(0, REPORT_BYTES);
      received = received.subarray(REPORT_BYTES);
      return decodeReport(report);
    },
  };
}
