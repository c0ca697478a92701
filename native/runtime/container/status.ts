import { existsSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readBootId } from '../../process/boot-id.ts';
import { isAlive } from '../../process/process-id.ts';
import { openGroup } from './groups.ts';
import type { ContainerState } from './state.ts';

/** As the runtime-spec names them, and `paused` as other runtimes have it. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** Name of the socket on which a created container waits for its start. */
export const START_SOCKET = 'start';

const WAITING_PROGRAM = /^\/memfd:holdfast-shim\b/;

/** What the kernel says of a container now. @param directory where its state is kept. */
export async function statusOf(container: ContainerState, directory: string): Promise<Status> {
  const { init, creator } = container;
  if (container.bootId !== (await readBootId())) return 'stopped';
  if (init === null) return (await isAlive(creator)) ? 'creating' : 'stopped';
  if (!(await isAlive(init))) return 'stopped';
  const isWaiting = existsSync(join(directory, START_SOCKET)) && (await hasWaitingProgram(init.pid));
  if (isWaiting) return 'created';
  return (await (await openGroup(container.cgroupPath)).isFrozen()) ? 'paused' : 'running';
}

/** Until it executes the container's program, the process still runs ours. */
async function hasWaitingProgram(pid: number): Promise<boolean> {
  try {
    return WAITING_PROGRAM.test(await readlink(`/proc/${pid}/exe`));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** The state as a hook and the `state` command show it. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/runtime.md#state */
export function describeState(container: ContainerState, status: Status): Readonly<Record<string, unknown>> {
  return {
    ociVersion: '1.2.0',
    id: container.id,
    status,
    ...(status === 'stopped' ? { pid: 0 } : { pid: container.init?.pid ?? 0 }),
    bundle: container.bundle,
    rootfs: container.rootfs,
    created: container.createdAt,
    owner: '',
    annotations: container.annotations,
  };
}
