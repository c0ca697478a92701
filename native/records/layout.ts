import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ContainerRef } from '../backend.ts';

/** Where the backend keeps its files and what it names its cgroups. */
export interface Layout {
  /** On a tmpfs: records of sandboxes and containers. */
  readonly sandboxesDir: string;
  /** On a tmpfs: which sandbox has which range of ids. */
  readonly idsDir: string;
  /** On a tmpfs: exit records, all in one directory, so that one watch sees them. */
  readonly exitsDir: string;
  /** On a tmpfs: records of networks and the hosts files of their members; there while there is a network. */
  readonly networksDir: string;
  readonly hostsDir: string;
  /** Who may talk to whom, there while there is a network. */
  readonly trafficFile: string;
  /** What the kernel's forwarding settings were before the first network. */
  readonly forwardingFile: string;
  /** On a disk: the containers' writable layers. */
  readonly containersDir: string;
  networkFile(name: string): string;
  /** The hosts file that all sandboxes on exactly these networks share, or that of the one with lines of its own. */
  hostsFile(networks: readonly string[], owner?: string): string;
  sandboxDir(id: string): string;
  sandboxFile(id: string): string;
  containersOf(id: string): string;
  containerFile(ref: ContainerRef): string;
  /** How the container is confined. No container's record can have this name: those end in `.json`. */
  profileFile(ref: ContainerRef): string;
  exitFile(ref: ContainerRef, attempt: number): string;
  /** The exit record, and the unfinished one a shim leaves when it is killed while it writes. */
  exitFiles(ref: ContainerRef, attempt: number): readonly string[];
  rootsOf(ref: ContainerRef): string;
  rootDir(ref: ContainerRef, attempt: number): string;
}

/** @returns the layout below the two directories of a backend. */
export function createLayout(dirs: { readonly stateDir: string; readonly runDir: string }): Layout {
  const sandboxesDir = join(dirs.runDir, 'sandboxes');
  const exitsDir = join(dirs.runDir, 'exits');
  const networksDir = join(dirs.runDir, 'networks');
  const hostsDir = join(dirs.runDir, 'hosts');
  const containersDir = join(dirs.stateDir, 'containers');
  const sandboxDir = (id: string): string => join(sandboxesDir, id);
  const containersOf = (id: string): string => join(sandboxDir(id), 'containers');
  const rootsOf = (ref: ContainerRef): string => join(containersDir, ref.sandboxId, ref.name);
  return {
    sandboxesDir,
    idsDir: join(dirs.runDir, 'ids'),
    exitsDir,
    containersDir,
    networksDir,
    hostsDir,
    forwardingFile: join(dirs.runDir, 'forwarding.json'),
    networkFile: (name) => join(networksDir, `${name}.json`),
    trafficFile: join(dirs.runDir, 'traffic.json'),
    hostsFile: (networks, owner) =>
      join(hostsDir, digestOf([...(owner === undefined ? [] : [owner]), ...[...networks].sort()].join('/'))),
    sandboxDir,
    sandboxFile: (id) => join(sandboxDir(id), 'record.json'),
    containersOf,
    containerFile: (ref) => join(containersOf(ref.sandboxId), `${ref.name}.json`),
    profileFile: (ref) => join(containersOf(ref.sandboxId), `${ref.name}.profile`),
    exitFile: (ref, attempt) => join(exitsDir, exitName(ref, attempt)),
    exitFiles: (ref, attempt) => {
      const name = exitName(ref, attempt);
      return [join(exitsDir, name), join(exitsDir, `.${name}.tmp`)];
    },
    rootsOf,
    rootDir: (ref, attempt) => join(rootsOf(ref), String(attempt)),
  };
}

/** Hashed, because both names together may exceed what a file name holds. */
function exitName(ref: ContainerRef, attempt: number): string {
  return `${digestOf(`${ref.sandboxId}/${ref.name}/${attempt}`)}.json`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

/** The cgroup of a container, below the backend's root. */
export function groupOf(ref: ContainerRef): string {
  return `${ref.sandboxId}/${ref.name}`;
}

/** The cgroup of a sandbox's holder and of its containers' shims: a name no container can have. */
export function shimGroupOf(sandboxId: string): string {
  return `${sandboxId}/.shim`;
}

/** The cgroup of the shims of programs run in its containers later: they come and go without a record. */
export function execGroupOf(sandboxId: string): string {
  return `${sandboxId}/.exec`;
}
