import { mkdir, mkdtemp, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BackendError } from '../../errors.ts';
import { writeDurably } from '../../files/durable.ts';
import { removeTree } from '../../files/remove-tree.ts';
import { isAlive, ownProcessId } from '../../process/process-id.ts';
import { resourcesSchema } from '../config/resources-schema.ts';
import { bundleHooks, bundleProcess, bundleSeccomp } from '../config/schema.ts';

const processId = z.strictObject({ pid: z.int().positive(), startTime: z.int().nonnegative() });
const state = z.strictObject({
  id: z.string(),
  bundle: z.string(),
  rootfs: z.string(),
  annotations: z.record(z.string(), z.string()),
  createdAt: z.string(),
  bootId: z.string(),
  /** The runtime that creates it. Once that is gone, what it left undone stays so. */
  creator: processId,
  /** Null until its process is made. */
  init: processId.nullable(),
  /** Path of its group below every hierarchy. */
  cgroupPath: z.string(),
  hooks: bundleHooks,
  /** Null for one that cannot be started. */
  process: bundleProcess.nullable(),
  seccomp: bundleSeccomp.nullable(),
  deniesDevices: z.boolean(),
  personality: z.strictObject({ domain: z.enum(['LINUX', 'LINUX32']) }).nullable(),
  hasOwnUsers: z.boolean(),
  /** What it was last allowed to take of the node. */
  resources: resourcesSchema.prefault({}),
});

/** A container as kept on disk, written before anything of it exists in the kernel. */
export type ContainerState = Readonly<z.infer<typeof state>>;

/** Where the containers of one runtime root are kept: a directory each. */
export interface StateStore {
  directoryOf(id: string): string;
  /** @throws BackendError `not-found`, or `internal` for a file that is no state of ours. */
  load(id: string): Promise<ContainerState>;
  save(container: ContainerState): Promise<void>;
  /** Saves a new one. @throws BackendError `invalid-spec` when there is one of its id already. */
  claim(container: ContainerState): Promise<void>;
  remove(id: string): Promise<void>;
  /** @returns the ids of all, in order. */
  list(): Promise<readonly string[]>;
}

/** @returns the store below `--root`. */
export function createStateStore(root: string): StateStore {
  const directoryOf = (id: string): string => join(root, checkContainerId(id));
  const fileOf = (id: string): string => join(directoryOf(id), 'state.json');
  return {
    directoryOf,
    load: async (id) => parse(fileOf(id), await read(fileOf(id), id)),
    save: (container) => writeDurably(fileOf(container.id), JSON.stringify(container)),
    claim: (container) => claim(root, directoryOf(container.id), container),
    remove: (id) => remove(root, directoryOf(id)),
    list: () => list(root),
  };
}

/** Ids have no such character. What is named so belongs to nobody once the process it names is gone. */
const UNFINISHED = '~';

/** A directory has its state from the moment it has its name, so that whatever is cut off can be deleted. */
async function claim(root: string, directory: string, container: ContainerState): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  await sweep(root);
  const unfinished = await makeUnfinished(root);
  try {
    await writeDurably(join(unfinished, 'state.json'), JSON.stringify(container));
    await rename(unfinished, directory);
  } catch (cause) {
    await removeTree(unfinished);
    if (!['ENOTEMPTY', 'EEXIST'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
    const message = `container ${JSON.stringify(container.id)} exists already`;
    throw new BackendError('invalid-spec', 'claim id', message, { cause });
  }
}

/** The name goes first, in one step. */
async function remove(root: string, directory: string): Promise<void> {
  const unfinished = await makeUnfinished(root);
  await rename(directory, join(unfinished, 'container'));
  await removeTree(unfinished);
}

function makeUnfinished(root: string): Promise<string> {
  const { pid, startTime } = ownProcessId();
  return mkdtemp(join(root, `${UNFINISHED}${pid}${UNFINISHED}${startTime}${UNFINISHED}`));
}

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [, pid, startTime] = name.split(UNFINISHED);
    if (startTime === undefined || (await isAlive({ pid: Number(pid), startTime: Number(startTime) }))) continue;
    await removeTree(join(root, name));
  }
}

async function list(root: string): Promise<readonly string[]> {
  try {
    return (await readdir(root)).filter((name) => !name.includes(UNFINISHED)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
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
