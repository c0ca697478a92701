import { chmod, mkdir, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { removeDurably, removeTree, writeDurably } from '../../native/index.ts';
import type { ClaimRecord, ObservedClaim } from '../reconcile/state.ts';
import type { VolumeQuotas } from './volume-quotas.ts';

const RECORD = 'claim.json';
const DATA = 'data';

const schema = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  storageBytes: z.number(),
  isForOnePod: z.boolean(),
  reclaimPolicy: z.enum(['Retain', 'Delete']),
}) satisfies z.ZodType<ClaimRecord>;

/** The directories of volume claims, below the agent's state directory. */
export interface Claims {
  /** @returns every claim there is on this node, whether or not Git still knows it. A torn record is one that is kept. */
  list(): Promise<readonly ObservedClaim[]>;
  /** Makes the directory of a claim, or keeps what is new of it, and has it held to its size where the file system can. */
  create(claim: ClaimRecord): Promise<void>;
  /** Deletes a claim with all of its data. */
  remove(namespace: string, name: string): Promise<void>;
  /** @returns where its data is, or null when there is none. */
  find(namespace: string, name: string): Promise<string | null>;
  /** @returns where its data is, or would be. */
  path(namespace: string, name: string): string;
}

/**
 * @param stateDir of the agent; nothing is made before the first claim.
 * @param quotas hold claims to their sizes; without them nothing does.
 */
export function openClaims(stateDir: string, quotas?: VolumeQuotas): Claims {
  const root = join(stateDir, 'volumes');
  const directory = (namespace: string, name: string): string => join(root, namespace, name);
  const dataPath = (namespace: string, name: string): string => join(directory(namespace, name), DATA);
  return {
    path: dataPath,
    list: async () => {
      const namespaces = await names(root);
      const all = await Promise.all(
        namespaces.map(async (namespace) =>
          Promise.all((await names(join(root, namespace))).map((name) => readRecord(root, namespace, name))),
        ),
      );
      return all.flat(2).map((claim) => withHold(claim, dataPath(claim.namespace, claim.name), quotas));
    },
    create: async (claim) => {
      const { namespace, name } = claim;
      await mkdir(directory(namespace, name), { recursive: true, mode: 0o700 });
      const isMade = await mkdir(dataPath(namespace, name)).then(() => true, ignoreExisting);
      // World-writable as an emptyDir; the directories above it are closed to everyone but root. One without a record was not
      // made to its end.
      if (isMade || !(await exists(join(directory(namespace, name), RECORD))))
        await chmod(dataPath(namespace, name), 0o777);
      const { storageBytes, isForOnePod, reclaimPolicy } = claim;
      await quotas?.bound(dataPath(namespace, name), storageBytes);
      const record: ClaimRecord = { namespace, name, storageBytes, isForOnePod, reclaimPolicy };
      await writeDurably(join(directory(namespace, name), RECORD), JSON.stringify(record));
    },
    remove: async (namespace, name) => {
      const data = dataPath(namespace, name);
      const remove = (): Promise<void> => removeTree(data);
      await (quotas === undefined ? remove() : quotas.release([data], remove));
      // Last, for it is by its record that a removal that was interrupted is found again.
      await removeDurably(join(directory(namespace, name), RECORD));
      await removeTree(directory(namespace, name));
      await rmdir(join(root, namespace)).catch(() => undefined);
    },
    find: async (namespace, name) => {
      const path = dataPath(namespace, name);
      return (await stat(path).catch(ignoreMissing))?.isDirectory() ? path : null;
    },
  };
}

/** Of a directory that is gone nothing can be said; the pod that needs it says so. */
function withHold(claim: ClaimRecord, path: string, quotas: VolumeQuotas | undefined): ObservedClaim {
  try {
    return quotas?.isLoose(path, claim.storageBytes) ? { ...claim, isLoose: true } : claim;
  } catch {
    return claim;
  }
}

async function names(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** A claim whose record cannot be read is one nobody asked to delete. */
async function readRecord(root: string, namespace: string, name: string): Promise<ClaimRecord> {
  const text = await readFile(join(root, namespace, name, RECORD), 'utf8').catch(() => '');
  const kept: ClaimRecord = { namespace, name, storageBytes: 0, isForOnePod: false, reclaimPolicy: 'Retain' };
  try {
    const { data } = schema.safeParse(JSON.parse(text));
    return data?.namespace === namespace && data.name === name ? data : kept;
  } catch {
    return kept;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing)) !== null;
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error;
  return null;
}

function ignoreExisting(error: NodeJS.ErrnoException): false {
  if (error.code !== 'EEXIST') throw error;
  return false;
}
