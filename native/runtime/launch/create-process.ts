import { once } from 'node:events';
import type { Socket } from 'node:net';
import { BackendError } from '../../errors.ts';
import { decodeReport, REPORT_BYTES } from '../../launch/report.ts';
import type { ProcessId } from '../../process/process-id.ts';
import type { BundleLaunch } from './bundle-launch.ts';
import { encodeBundleLaunch } from './encode-bundle.ts';
import { startShim } from './start-shim.ts';

/**
 * Creates the container's first process. It waits for its start, and its parent is whoever adopts this process's orphans.
 * @param onNamespaces runs when its namespaces are made and its root is not; when it fails, so does the creation.
 * @throws BackendError with the stage that failed; nothing is left of the process then.
 */
export async function createProcess(
  launch: BundleLaunch,
  onNamespaces: (process: ProcessId) => Promise<void>,
): Promise<ProcessId> {
  const shim = await startShim({ spec: encode(launch), scratchDir: launch.stateDir, input: 'inherit' });
  const socket = shim.stdio[4] as unknown as Socket;
  const ended = once(shim, 'exit');
  const reports = readReports(socket);
  try {
    const { process } = await reports.next();
    await onNamespaces(process);
    socket.write('g');
    return (await reports.next()).process;
  } finally {
    socket.destroy();
    await ended;
  }
}

function encode(launch: BundleLaunch): Buffer {
  try {
    return encodeBundleLaunch(launch);
  } catch (cause) {
    throw new BackendError('invalid-spec', 'encode launch spec', (cause as Error).message, { cause });
  }
}

/** Two reports come on one stream. */
function readReports(socket: Socket): { next(): Promise<ReturnType<typeof decodeReport>> } {
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
      if (received.length < REPORT_BYTES) throw new BackendError('internal', 'create', 'the shim ended without a word');
      const report = received.subarray(0, REPORT_BYTES);
      received = received.subarray(REPORT_BYTES);
      return decodeReport(report);
    },
  };
}
