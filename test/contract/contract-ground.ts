import type {
  ContainerBackend,
  ContainerSpec,
  Limits,
  ObservedContainer,
  ObservedSandbox,
} from '../../native/index.ts';

/** What one test of the contract runs on: a backend, and the hands of somebody else on its node. */
export interface ContractGround {
  readonly backend: ContainerBackend;
  /** Read-only layers whose root has a static /bin/busybox. */
  readonly layers: readonly string[];
  /** A whole disk of the node. */
  readonly disk: string;
  /** Where container logs may be written. */
  readonly logDirectory: string;
  /** The backend of an agent started anew on the same node. */
  reopen(): Promise<ContainerBackend>;
  /** Resolves once the program has said that it is ready. */
  untilReady(spec: ContainerSpec): Promise<void>;
  killContainer(container: ObservedContainer): Promise<void>;
  killSandbox(sandbox: ObservedSandbox): Promise<void>;
  /** Takes its first card away. */
  unplug(sandbox: ObservedSandbox): Promise<void>;
  tamperLimits(container: ObservedContainer, limits: Partial<Limits>): Promise<void>;
  /** Makes a cgroup with a process in our tree. @returns its id and the process. */
  addStranger(): Promise<{ readonly id: string; readonly pid: number }>;
  /** A directory of the node's that is no part of the backend's; what is in it goes with the ground. */
  readonly directory: string;
  /** Makes an empty directory of the node whose mounts are passed on to whoever asks for that. */
  share(path: string): Promise<void>;
  /** Somebody mounts a file system with one file on a directory of the node. */
  mountOn(path: string, file: { readonly name: string; readonly text: string }): Promise<void>;
  /** @returns whether something is mounted on that very directory of the node. */
  isMountPoint(path: string): Promise<boolean>;
  /** What is left of a sandbox on the node: files, mounts, cgroups, processes. */
  leftovers(sandboxId: string): Promise<readonly string[]>;
  close(): Promise<void>;
}
