import { open, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { BackendError } from '../../errors.ts';
import { decodeFailure, FAILURE_BYTES } from '../../launch/report.ts';
import { runHooks, runHooksOnward } from '../container/hooks.ts';
import { describeState, START_SOCKET } from '../container/status.ts';
import { expectStatus, type RuntimeContext } from '../runtime-context.ts';

/** Lets a created container execute its program. @throws BackendError with the stage that failed. */
export async function startContainer(context: RuntimeContext, id: string): Promise<void> {
  const container = await expectStatus(context, id, ['created']);
  if (container.process === null) {
    throw new BackendError('invalid-spec', 'start', 'process: config.json has none, and a start needs one');
  }
  const directory = context.store.directoryOf(id);
  const { hooks, init } = container;
  if (init !== null) {
    const state = describeState(container, 'created');
    const inside = { process: init, scratchDir: directory, shimPath: context.shimPath };
    await runHooks({ hooks, stage: 'startContainer', state, inside });
  }
  await execute(directory);
  // It runs, whatever fails from here on.
  await rm(join(directory, START_SOCKET), { force: true }).catch((error: Error) => context.log.warn(error.message));
  const running = describeState(container, 'running');
  await runHooksOnward({ hooks, stage: 'poststart', state: running, inside: null }, context.log.warn);
}

/** The container closes the connection without a word when it executes its program. */
async function execute(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    const told = await ask(`/proc/self/fd/${handle.fd}/${START_SOCKET}`);
    if (told.length === 0) return;
    if (told.length === FAILURE_BYTES) throw decodeFailure(told);
    throw new BackendError('internal', 'start', 'the container answered in an unknown form');
  } finally {
    await handle.close();
  }
}

function ask(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(path);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (cause) =>
      reject(new BackendError('kernel', 'start', `the container is not waiting: ${cause.message}`, { cause })),
    );
    socket.on('close', () => resolve(Buffer.concat(chunks)));
  });
}
