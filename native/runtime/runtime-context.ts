import { BackendError } from '../errors.ts';
import { buildPath } from '../library.ts';
import { type ContainerState, createStateStore, type StateStore } from './container/state.ts';
import { type Status, statusOf } from './container/status.ts';
import type { RuntimeLog } from './runtime-log.ts';

/** What the commands share. */
export interface RuntimeContext {
  readonly root: string;
  readonly store: StateStore;
  readonly log: RuntimeLog;
  /** The program that creates containers and runs processes in them. */
  readonly shimPath: string;
}

/** @returns the context of the containers below `root`. */
export function createRuntimeContext(
  root: string,
  log: RuntimeLog,
  shimPath: string = buildPath('holdfast-shim'),
): RuntimeContext {
  return { root, store: createStateStore(root), log, shimPath };
}

/** Loads a container that must be in one of some states. @throws BackendError `not-found` or `invalid-spec`. */
export async function expectStatus(
  { store }: RuntimeContext,
  id: string,
  expected: readonly Status[],
): Promise<ContainerState> {
  const container = await store.load(id);
  const status = await statusOf(container, store.directoryOf(id));
  if (expected.includes(status)) return container;
  const message = `container ${JSON.stringify(id)} is ${status}: expected it to be ${expected.join(' or ')}`;
  throw new BackendError('invalid-spec', 'check status', message);
}
