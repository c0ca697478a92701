import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { NodeStatus } from '../../manifests/index.ts';
import { removeDurably, writeDurably } from '../../native/index.ts';
import type { Allocations } from '../reconcile/networks/allocate.ts';
import type { Version } from '../reconcile/state.ts';
import { asVersion } from './stored-version.ts';

/** What the agent itself remembers across restarts, one durable file each. Everything else is read from the kernel and Git. */
export interface StateFiles {
  /** The commit whose manifests were last taken as the desired state. */
  readApplied(): Promise<string | null>;
  writeApplied(commit: string): Promise<void>;
  /** Versions that ran well, by workload key. A file that cannot be read is left out: its workload waits for Git. */
  readLastGood(): Promise<ReadonlyMap<string, Version>>;
  writeLastGood(version: Version): Promise<void>;
  removeLastGood(key: string): Promise<void>;
  /** Digests of the images of every last good version, and of the one that ran well before it. */
  readGoodImages(): Promise<ReadonlySet<string>>;
  /** Ranges that networks were given. */
  readAllocations(): Promise<Allocations>;
  writeAllocations(allocations: Allocations): Promise<void>;
  /** The newest status, for `holdfast status` while the agent is down. */
  readStatus(): Promise<NodeStatus | null>;
  writeStatus(status: NodeStatus): Promise<void>;
}

const allocationsSchema = z.record(
  z.string(),
  z.strictObject({ subnet4: z.string(), subnet6: z.string().nullable(), isOutbound: z.boolean().default(false) }),
);

const LAST_GOOD = 'last-good';
const PREVIOUS_GOOD = 'previous-good';

/** Opens the state files below a directory; they are made when first written. */
export function openStateFiles(stateDir: string): StateFiles {
  const appliedPath = join(stateDir, 'applied.json');
  const statusPath = join(stateDir, 'status.json');
  const networksPath = join(stateDir, 'networks.json');
  const lastGoodDir = join(stateDir, LAST_GOOD);
  const previousDir = join(stateDir, PREVIOUS_GOOD);
  return {
    readApplied: async () => {
      const commit = (await readJson<{ commit?: unknown }>(appliedPath))?.commit;
      return typeof commit === 'string' ? commit : null;
    },
    writeApplied: (commit) => writeDurably(appliedPath, JSON.stringify({ commit })),
    readLastGood: () => readVersions(lastGoodDir),
    writeLastGood: async (version) => {
      const name = fileName(keyOf(version));
      const before = asVersion(await readJson(join(lastGoodDir, name)));
      if (before !== null && before.identity !== version.identity)
        await writeDurably(join(previousDir, name), JSON.stringify(before));
      await writeDurably(join(lastGoodDir, name), JSON.stringify(version));
    },
    removeLastGood: async (key) => {
      await removeDurably(join(previousDir, fileName(key)));
      await removeDurably(join(lastGoodDir, fileName(key)));
    },
    readGoodImages: async () => {
      const good = [...(await readVersions(lastGoodDir)).values(), ...(await readVersions(previousDir)).values()];
      return new Set(good.flatMap(({ images }) => Object.values(images).map(({ digest }) => digest)));
    },
    readAllocations: async () => allocationsSchema.safeParse(await readJson(networksPath)).data ?? {},
    writeAllocations: (allocations) => writeDurably(networksPath, JSON.stringify(allocations)),
    readStatus: () => readJson<NodeStatus>(statusPath),
    writeStatus: (status) => writeDurably(statusPath, JSON.stringify(status)),
  };
}

/** What {@link writeDurably} leaves when the agent dies while it writes. */
const UNFINISHED = /^\..+\.[0-9a-f]{12}\.tmp$/;

/** Removes unfinished state files of an agent that died. Only for the one agent of the node, before it writes any. */
export async function sweepStateFiles(stateDir: string): Promise<void> {
  for (const directory of [stateDir, join(stateDir, LAST_GOOD), join(stateDir, PREVIOUS_GOOD)]) {
    const names = await readdir(directory).catch((): string[] => []);
    for (const name of names) if (UNFINISHED.test(name)) await rm(join(directory, name), { force: true });
  }
}

async function readVersions(directory: string): Promise<ReadonlyMap<string, Version>> {
  const names = (await readdir(directory).catch((): string[] => [])).filter((name) => !name.startsWith('.'));
  const read = await Promise.all(names.map(async (name) => ({ name, value: await readJson(join(directory, name)) })));
  return new Map(
    read.flatMap(({ name, value }) => {
      const version = asVersion(value);
      return version !== null && fileName(keyOf(version)) === name ? [[keyOf(version), version] as const] : [];
    }),
  );
}

/** A torn or foreign file counts as absent: it can only be older than what Git says. */
async function readJson<T = unknown>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

function keyOf(version: Version): string {
  return `${version.workload.namespace}/${version.workload.name}`;
}

function fileName(key: string): string {
  return `${key.replace('/', '_')}.json`;
}
