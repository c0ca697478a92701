import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackendError } from '../../errors.ts';
import { writeDurably } from '../../files/durable.ts';
import { bundleHooks } from '../config/schema.ts';

const state = z.strictObject({
  id: z.string(),
  bundle: z.string(),
  rootfs: z.string(),
  annotations: z.record(z.string(), z.string()),
  createdAt: z.string(),
  bootId: z.string(),
  /** Null until its process is made. */
  init: z.strictObject({ pid: z.int().positive(), startTime: z.int().nonnegative() }).nullable(),
  /** Path of its group below every hierarchy. */
  cgroupPath: z.string(),
  hooks: bundleHooks,
});

/** A container as kept on disk, written before anything of it exists in the kernel. */
export type ContainerState = Readonly<z.infer<typeof state>>;

/** Where the containers of one runtime root are kept: a directory each. */
export interface StateStore {
  directoryOf(id: string): string;
  /** @throws BackendError `not-found`, or `internal` for a file that is no state of ours. */
  load(id: string): Promise<ContainerState>;
  save(container: ContainerState): Promise<void>;
}

/** @returns the store below `--root`. */
export function createStateStore(root: string): StateStore {
  const directoryOf = (id: string): string => join(root, checkContainerId(id));
  const fileOf = (id: string): string => join(directoryOf(id), 'state.json');
  return {
    directoryOf,
    load: async (id) => parse(fileOf(id), await read(fileOf(id), id)),
    save: (container) => writeDurably(fileOf(container.id), JSON.stringify(container)),
  };
}

/** @throws BackendError `invalid-spec`: the id becomes part of paths. */
export function checkContainerId(id: string): string {
  if (/^[\w+.-]{1,255}$/.test(id) && id !== '.' && id !== '..') return id;
  const message = `container id ${JSON.stringify(id)}: expected 1 to 255 of letters, digits and _ + . -`;
  throw new BackendError('invalid-spec', 'check id', message);
}

async function read(path: string, id: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new BackendError('not-found', 'find container', `container ${JSON.stringify(id)} does not exist`, { cause });
  }
}

function parse(path: string, text: string): ContainerState {
  try {
    return state.parse(JSON.parse(text));
  } catch (cause) {
    throw new BackendError('internal', 'read state', `${path} is no state of this runtime: remove its directory`, {
      cause,
    });
  }
}
