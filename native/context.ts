import type { CgroupDriver } from './cgroup/driver.ts';
import type { ShimLauncher } from './launch/shim.ts';
import type { NodeNetwork } from './network/node-network.ts';
import type { LimitEvents } from './observation/limit-events.ts';
import type { Liveness } from './observation/liveness.ts';
import type { KeyedLock } from './process/keyed-lock.ts';
import type { Layout } from './records/layout.ts';
import type { RecordStore } from './records/store.ts';
import type { IdClaims } from './sandbox/id-claims.ts';

/** What the operations of one kernel backend share. */
export interface BackendContext {
  readonly layout: Layout;
  readonly records: RecordStore;
  readonly cgroups: CgroupDriver;
  readonly launcher: ShimLauncher;
  readonly bootId: string;
  readonly ids: IdClaims;
  readonly network: NodeNetwork;
  /** Serialises changes of one sandbox; the empty key what sandboxes share: id ranges, addresses, networks. */
  readonly locks: KeyedLock;
  /** Groups of what is being made right now: neither observed as dead nor as strangers. */
  readonly inFlight: Set<string>;
  readonly liveness: Liveness;
  readonly limitEvents: LimitEvents;
}
