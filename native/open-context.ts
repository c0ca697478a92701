import { mkdir } from 'node:fs/promises';
import { createCgroupDriver } from './cgroup/driver.ts';
import type { BackendContext } from './context.ts';
import { createShimLauncher } from './launch/shim.ts';
import { nodeNetworkOf } from './network/node-network.ts';
import { createLimitEvents } from './observation/limit-events.ts';
import { createLiveness } from './observation/liveness.ts';
import { readBootId } from './process/boot-id.ts';
import { createKeyedLock } from './process/keyed-lock.ts';
import { createLayout } from './records/layout.ts';
import { createRecordStore } from './records/store.ts';
import { createIdClaims } from './sandbox/id-claims.ts';
import { checkIdSpace, type IdSpace } from './sandbox/id-range.ts';
import { readReservedIds } from './sandbox/reserved-ids.ts';

export interface KernelBackendOptions {
  /** On a disk, survives a reboot: the containers' writable layers. */
  readonly stateDir: string;
  /** On a tmpfs, gone with a reboot: records of what runs. */
  readonly runDir: string;
  /** Our root below every cgroup hierarchy, such as `/holdfast`. */
  readonly cgroupRoot: string;
  /** The shim program; the one built with this code unless given. */
  readonly shimPath?: string;
  /** File of the network namespace to make networks in, such as `/run/netns/edge`; that of this process unless given. */
  readonly networkNamespace?: string;
  /** Ids of the node that pods may have; from 1048576 to the end unless given. Those in /etc/subuid and /etc/subgid are left out. */
  readonly ids?: IdSpace;
}

/**
 * Opens what the operations of a kernel backend share, making its directories when they are missing.
 * @throws BackendError as `createKernelBackend` does.
 */
export async function openContext(options: KernelBackendOptions): Promise<BackendContext> {
  const layout = createLayout(options);
  if (options.ids) checkIdSpace(options.ids);
  for (const directory of [layout.sandboxesDir, layout.exitsDir, layout.containersDir]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  const records = createRecordStore(layout);
  const cgroups = await createCgroupDriver({ root: options.cgroupRoot });
  return {
    layout,
    records,
    cgroups,
    launcher: createShimLauncher(options.shimPath),
    network: nodeNetworkOf(options),
    bootId: await readBootId(),
    ids: createIdClaims(layout.idsDir, options.ids, await readReservedIds()),
    locks: createKeyedLock(),
    inFlight: new Set(),
    liveness: createLiveness(),
    limitEvents: createLimitEvents(cgroups, records),
  };
}
