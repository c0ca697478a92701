import type { Readable, Writable } from 'node:stream';
import type { GroupUsage } from './cgroup/usage.ts';
import type { Limits } from './limits.ts';
import type { OciConfig, OciProcess } from './oci.ts';

export type { IoDeviceLimits, Limits } from './limits.ts';

/**
 * How containers run. One contract, several grounds: the kernel (`createKernelBackend`) and the fake of the tests;
 * `test/contract/` holds both to it. Every operation is idempotent: asking for what already is, succeeds.
 * A failure is a thrown `BackendError`; whatever failed leaves nothing behind (no process, mount, cgroup, file).
 */
export interface ContainerBackend {
  /** Makes a network that sandboxes can be put on. A known one is made whole; its ranges change only while nobody is on it. */
  createNetwork(spec: NetworkSpec): Promise<void>;
  /** Removes a network and, with the last one, everything networks needed. Refused with `in-use` while a sandbox is on it. */
  removeNetwork(name: string): Promise<void>;
  /**
   * Says who may talk to whom, and which names lead where, in place of all that was said before: in one transaction, for
   * connections from then on. It holds without this process. Sandboxes it names need not be there.
   */
  applyTraffic(rules: TrafficRules): Promise<void>;
  /** Makes the pod's namespaces (user, net, ipc, uts, and pid when shared), its cgroup and the process that holds them. */
  createSandbox(spec: SandboxSpec): Promise<void>;
  /** Gives a living sandbox its cards, addresses and routes as they were made: in place, or a new card when one is gone. */
  reconnectSandbox(id: string): Promise<void>;
  /** Where a volume of a living sandbox is on the node; `not-found` when it has none of that name. */
  volumeDirectory(sandboxId: string, name: string): Promise<VolumeDirectory>;
  /** Kills and removes every container of the sandbox, then the sandbox. Done when nothing is left of it. */
  removeSandbox(id: string): Promise<void>;
  /** Makes the root file system and starts the process. Resolves once the program is exec'd. A finished container of that name is replaced, with a fresh root. */
  startContainer(spec: ContainerSpec): Promise<void>;
  /** SIGTERM (or the given signal), then SIGKILL to all of it after `graceMs`. A paused container is resumed to heed the signal. Resolves when no process is left. */
  stopContainer(ref: ContainerRef, options: { readonly graceMs: number; readonly signal?: string }): Promise<void>;
  /** Removes a container, killing it first if it runs or is paused, and its root file system. Logs stay until the sandbox goes. */
  removeContainer(ref: ContainerRef): Promise<void>;
  /** Stops every process of a running container where it is. Resolves when all stand still. */
  pauseContainer(ref: ContainerRef): Promise<void>;
  /** Lets a paused container run on. */
  resumeContainer(ref: ContainerRef): Promise<void>;
  /**
   * Runs one more program in a running container, in its namespaces and cgroup, and confined as it is. Resolves once it is
   * exec'd; `paused` when the container is. It ends when this process does.
   */
  execContainer(ref: ContainerRef, spec: ExecSpec): Promise<ExecSession>;
  /** Changes the limits of a running container in place, and records them as the applied ones. */
  updateLimits(ref: ContainerRef, limits: Limits): Promise<void>;
  /** Kills and removes a cgroup of our tree that no record speaks for. */
  removeStranger(id: string): Promise<void>;
  /** What the kernel has now, joined with our records on disk. Never throws for one bad record: it becomes a stranger. */
  observe(): Promise<Observation>;
  /** What a running container has used since it was started, and uses now. */
  stats(ref: ContainerRef): Promise<ContainerStats>;
  /** The same of every running container. */
  statsOfAll(): Promise<readonly ContainerStats[]>;
  /** Calls back soon after a container ends or a sandbox dies. @returns a function that ends the watch. */
  watch(onChange: () => void): () => void;
  /**
   * Calls back within seconds after containers met their limits, and before one that did is removed.
   * @returns a function that ends the watch.
   */
  watchLimits(onEvents: (events: readonly LimitEvent[]) => void): () => void;
}

export interface ContainerRef {
  readonly sandboxId: string;
  readonly name: string;
}

export interface SandboxSpec {
  /** `[a-z0-9_.-]{1,200}`, unique on the node. */
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly network: SandboxNetwork;
  /** `private`: a range of 65536 ids of its own, allocated by the backend. `host`: the node's user namespace. */
  readonly users: 'private' | 'host';
  /** `own`, unless given: each container sees its own; `shared`: one first process that reaps for all; `host`: the node's. */
  readonly processes?: ProcessView;
  /** `private` unless given; `host` shares the node's System V and POSIX message queues, semaphores and /dev/shm. */
  readonly ipc?: 'private' | 'host';
  /** Kernel parameters of the pod's own network and ipc namespaces, by dotted name. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** None unless given. */
  readonly volumes?: readonly SandboxVolume[];
}

/** A tmpfs of the sandbox, which lives as long as it does. What containers write to it counts as their memory. */
export interface SandboxVolume {
  /** `[a-z0-9_.-]{1,200}`, unique in the sandbox. */
  readonly name: string;
  /** Null is the kernel's own bound, half of the node's memory. */
  readonly maxBytes: number | null;
  /** Group of its root directory, as the sandbox's containers see it; the owner is root. */
  readonly gid: number;
  /** Permission bits of its root directory, with set-id and sticky. */
  readonly mode: number;
  /** False keeps it out of swap, where the kernel can do that (6.4 and newer). */
  readonly isSwappable: boolean;
}

/** A volume as the node reaches it. */
export interface VolumeDirectory {
  /** Good while the sandbox lives. */
  readonly path: string;
  /** Id on the node that the sandbox's id 0 stands for: the owner of files that are to be its root's. */
  readonly idBase: number;
}

/** Which processes the containers of a sandbox see. */
export type ProcessView = 'own' | 'shared' | 'host';

/** `private`: loopback only. `host`: the node's. Else networks made before, the first of which has the way out. */
export type SandboxNetwork = 'private' | 'host' | BridgedNetwork;

export interface BridgedNetwork {
  readonly type: 'bridge';
  /** At least one, each once. */
  readonly networks: readonly NetworkMembership[];
  /** No two sandboxes may ask for the same port of the same address. */
  readonly ports: readonly PortMap[];
  /** Directions in which it may take part in nothing until `applyTraffic` names it; none unless given. */
  readonly guards?: readonly TrafficDirection[];
  /** Lines of its own in its `/etc/hosts`. */
  readonly hosts?: readonly HostLine[];
}

/** `ingress`: connections to the sandbox; `egress`: connections it makes, those to the node included. */
export type TrafficDirection = 'ingress' | 'egress';

export interface HostLine {
  readonly address: string;
  /** At least one. */
  readonly names: readonly string[];
}

/** Who of the sandboxes on networks may talk to whom, and what is shared out among them. Answers are always let through. */
export interface TrafficRules {
  /** The sandboxes these rules were made for: of the others each keeps the guards it was born with. */
  readonly guards: readonly SandboxGuard[];
  /** What guarded sandboxes may do all the same. */
  readonly allowed: readonly AllowedTraffic[];
  readonly services: readonly ServiceSpec[];
}

export interface SandboxGuard {
  readonly sandbox: string;
  readonly directions: readonly TrafficDirection[];
}

export interface AllowedTraffic {
  readonly direction: TrafficDirection;
  /** Sandboxes that may. */
  readonly subjects: readonly string[];
  /** With whom; null is everybody. */
  readonly peers: TrafficPeers | null;
  /** To which ports, of the subject for ingress and of the peer for egress; null is every port of every protocol. */
  readonly ports: readonly PortRange[] | null;
}

export interface TrafficPeers {
  readonly sandboxes: readonly string[];
  readonly ranges: readonly AddressRange[];
}

/** Both ends belong to it, and are of one family. */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/** Both ends belong to it. */
export interface PortRange {
  readonly protocol: 'tcp' | 'udp';
  readonly first: number;
  readonly last: number;
}

/** A name that leads to some of the sandboxes of a network, on each network it is on apart. */
export interface ServiceSpec {
  /** `[a-z0-9_.-]{1,200}`, unique among the services. */
  readonly name: string;
  /** Names in the `/etc/hosts` of the networks' sandboxes. */
  readonly names: readonly string[];
  readonly networks: readonly string[];
  /** True: the names lead to the backends' own addresses, and `ports` says nothing. Else to one of the service's own. */
  readonly isHeadless: boolean;
  readonly ports: readonly ServicePortSpec[];
  /** Those that take connections now. */
  readonly backends: readonly ServiceBackend[];
}

export interface ServicePortSpec {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

export interface ServiceBackend {
  readonly sandbox: string;
  /** Where each of the service's ports leads, in its order; null where the sandbox has none for it. */
  readonly ports: readonly (number | null)[];
}

export interface NetworkMembership {
  readonly name: string;
  /** Host names by which sandboxes of the network find this one, besides its own. */
  readonly aliases: readonly string[];
}

export interface PortMap {
  readonly protocol: 'tcp' | 'udp';
  /** An address of the node, or null for all of them but ::1, which no port can be published on. */
  readonly hostIp: string | null;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A network: a bridge of its own, reachable from no other one but through published ports. */
export interface NetworkSpec {
  /** `[a-z0-9_.-]{1,200}`, unique on the node. */
  readonly name: string;
  /** Such as `10.88.0.0/24`, with a prefix of 8 to 29 bits; no two networks may overlap. */
  readonly subnet4: string;
  /** A unique local one such as `fd42:1:2:3::/64` (RFC 4193), with a prefix of 8 to 96 bits; or null for IPv4 only. */
  readonly subnet6: string | null;
  /** False: its sandboxes reach each other and nothing else, the node included; their ports are still published. */
  readonly isOutbound: boolean;
}

export interface ContainerSpec extends ContainerRef {
  readonly labels: Readonly<Record<string, string>>;
  readonly config: OciConfig;
  /** Names of variables of its environment whose values are kept in no record. None unless given. */
  readonly secretVariables?: readonly string[];
  /** Read-only layer directories in overlayfs form, uppermost first. */
  readonly layers: readonly string[];
  readonly limits: Limits;
  readonly log: LogFile;
  /** A container of the sandbox, running, whose processes this one sees and reaches; as the sandbox has it unless given. */
  readonly processesOf?: string;
  /** A command to run in the container once it is exec'd, at most two minutes; the start fails, and leaves nothing, unless it ends with status 0. */
  readonly postStart?: readonly string[];
  /** `SIGTERM` unless the image says otherwise. */
  readonly stopSignal: string;
}

export interface LogFile {
  readonly path: string;
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface Observation {
  readonly networks: readonly ObservedNetwork[];
  /** As last applied; empty before the first time, and when the last network is gone. */
  readonly traffic: TrafficRules;
  readonly sandboxes: readonly ObservedSandbox[];
  readonly strangers: readonly Stranger[];
}

export interface ObservedNetwork extends NetworkSpec {
  /** `broken`: somebody removed or changed its bridge or the rules; `createNetwork` makes it whole. */
  readonly state: 'ready' | 'broken';
  /** What is broken. */
  readonly differences?: readonly NetworkDifference[];
}

/** Something of a network that is not as it was made. */
export interface NetworkDifference {
  /** What it is, such as `rules`, `bridge.addresses` or `eth0.route[10.88.0.0/24]`. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

/** Where a sandbox is on one network. */
export interface NetworkAddress {
  readonly network: string;
  readonly ipv4: string;
  readonly ipv6: string | null;
}

export interface ObservedSandbox {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `dead`: its process is gone (killed, or the node rebooted); it must be removed and made anew. */
  readonly state: 'ready' | 'dead';
  readonly pid: number | null;
  /** In the order asked for; empty unless it is bridged. */
  readonly addresses: readonly NetworkAddress[];
  /** Ports of the node that lead to it. */
  readonly ports: readonly PortMap[];
  /** Directions it is guarded in now: as it was born, or as rules that name it say. */
  readonly guards: readonly TrafficDirection[];
  /** What somebody changed of its cards; absent when they are as they were made. `reconnectSandbox` puts it right. */
  readonly differences?: readonly NetworkDifference[];
  readonly containers: readonly ObservedContainer[];
}

export interface ObservedContainer extends ContainerRef {
  readonly labels: Readonly<Record<string, string>>;
  /** `paused`: it runs, and all of its processes are held still, whoever did it. */
  readonly state: 'running' | 'paused' | 'exited';
  /** Of the container's init as the node sees it; null when exited. */
  readonly pid: number | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly exit: ContainerExit | null;
  /** Settings this node's kernel refused in full; they hold as far as it allows. */
  readonly clamped: readonly ClampedSetting[];
  /** Limits last asked for through this backend. */
  readonly applied: Limits;
  /**
   * Limits the kernel has now, in the same units: of memory, CPU and processes, and of the others those applied. Equal to
   * what `canonicalLimits` makes of the applied ones unless somebody else changed them. Null when the cgroup is gone.
   */
  readonly kernel: Limits | null;
}

/**
 * Settings that only a node with every power over itself grants (raised rlimits, a negative OOM score), a soft limit of
 * memory where the kernel has a softer one only, and weights of disks whose schedulers have none.
 */
export type ClampedSetting = 'rlimits' | 'oomScoreAdj' | 'memoryHigh' | 'ioWeight';

export interface ContainerExit {
  /** Exit status, or null when a signal ended it or nobody saw it end (`lost`). */
  readonly code: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
  /** True when the exit record is missing: the shim was killed or the power went. */
  readonly lost: boolean;
  readonly finishedAt: number;
}

/** A cgroup below our root, with or without processes, that no record of ours speaks for. */
export interface Stranger {
  /** Path below our root, usable with `removeStranger`. */
  readonly id: string;
  readonly pids: readonly number[];
}

/** A program to run in a container. What is not given is as the container's own program has it. */
export interface ExecSpec {
  /** The program is looked up in the PATH of the environment when it has no slash. */
  readonly args: readonly string[];
  /** `KEY=value`, over the container's own. */
  readonly env?: readonly string[];
  /** Absolute; must be there. */
  readonly cwd?: string;
  readonly user?: Partial<OciProcess['user']>;
  /** Runs it on a pseudo-terminal of this size; on pipes unless given. */
  readonly terminal?: TerminalSize | null;
}

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A running program and its streams. It waits while what it writes is not read; destroy a stream to throw the rest away. */
export interface ExecSession {
  /** As the node sees it. */
  readonly pid: number;
  /** What the kernel did not grant in full, as with the container's own. */
  readonly clamped: readonly ClampedSetting[];
  /** Ending it ends the program's input; a terminal's goes on. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Empty on a terminal, where all output is one. */
  readonly stderr: Readable;
  /** Comes after all output. */
  readonly exited: Promise<ExecExit>;
  /** Does nothing without a terminal. */
  resize(size: TerminalSize): void;
  /** Sends a signal, SIGKILL unless given, to the program and those of its children that are in its process group. */
  kill(signal?: string): void;
}

export interface ExecExit {
  /** Exit status, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** True when its shim ended first: nobody saw how the program did. */
  readonly lost: boolean;
}

/** A container met one of its limits, `count` times since the last event of this kind. */
export interface LimitEvent extends ContainerRef {
  /** `memory-high`: slowed down; `memory-max`: about to exceed it; `oom-kill`: a process was killed; `pids-max`: a fork was refused; `cpu-throttled`: periods it was held back in. */
  readonly kind: 'memory-high' | 'memory-max' | 'oom-kill' | 'pids-max' | 'cpu-throttled';
  readonly count: number;
}

/** What a container uses; programs run in it later are counted too. */
export interface ContainerStats extends ContainerRef, GroupUsage {
  /** Milliseconds since the epoch. */
  readonly at: number;
}
