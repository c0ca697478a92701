import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { BundleMount } from '../config/schema.ts';
import type { BundleLaunchMount } from './bundle-launch.ts';
import { type MountOptions, NODEV, readMountOptions } from './mount-options.ts';

/** Those that take a label for the whole of them. */
const LABELLED = ['tmpfs', 'devpts'];

/** Files of procfs over which others are laid, so that programs see the container's own numbers. */
const COVERED_PROC = /^\/proc\/(?:cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev)$/;

export interface MountGround {
  readonly bundle: string;
  /** Device nodes have no effect but in /dev. */
  readonly hasInertDevices: boolean;
  readonly hasOwnUsers: boolean;
  /** SELinux label of file systems that keep none themselves; null for none. */
  readonly mountLabel: string | null;
  /** Directories of the container's cgroups. */
  readonly groupDirs: readonly { readonly hierarchy: string | null; readonly path: string }[];
}

/** @returns a mount as the shim makes it, in several parts for the cgroups of v1. @throws BackendError `invalid-spec`. */
export function launchMountsOf(mount: BundleMount, ground: MountGround): readonly BundleLaunchMount[] {
  const destination = normalize(join('/', mount.destination)).replace(/(?<=.)\/$/, '');
  if (destination === '/') throw invalid(mount, 'the root itself cannot be covered');
  const isBind = mount.type === 'bind' || mount.options.some((option) => option === 'bind' || option === 'rbind');
  const { bind, idmap, ...options } = optionsOf(mount, isBind);
  const ids = { idmap: idmapOf(mount, idmap, ground), isIdmapBelow: idmap === 'ridmap' };
  const base = { ...options, ...ids, destination, mayCoverProc: isBind && COVERED_PROC.test(destination) };
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return cgroupMounts(base, ground);
  if (isBind) {
    const source = isAbsolute(mount.source) ? mount.source : resolve(ground.bundle, mount.source);
    if (base.parameters.length > 0) throw invalid(mount, `a bind mount has no option ${base.parameters[0]?.[0]}`);
    const isInert = ground.hasInertDevices && !/^\/dev(?:\/|$)/.test(destination);
    const attributes = isInert ? { set: base.set | NODEV, clear: base.clear & ~NODEV } : {};
    return [{ ...base, ...attributes, kind: 'bind', source, type: '', hasMountsBelow: bind === 'rbind' }];
  }
  if (mount.type === 'none')
    throw invalid(mount, 'a file system needs a type, and a bind mount the option bind or rbind');
  const isLabelled = ground.mountLabel !== null && LABELLED.includes(mount.type);
  const parameters = isLabelled ? [...base.parameters, ['context', ground.mountLabel] as const] : base.parameters;
  return [{ ...base, parameters, kind: 'fs', source: mount.source, type: mount.type, hasMountsBelow: false }];
}

function optionsOf(mount: BundleMount, isBind: boolean): MountOptions {
  const options = read();
  if (options.isCopiedUp && (isBind || mount.type !== 'tmpfs')) throw invalid(mount, 'only a tmpfs has tmpcopyup');
  return options;

  function read(): MountOptions {
    try {
      return readMountOptions(mount.options, isBind);
    } catch (error) {
      throw invalid(mount, (error as Error).message);
    }
  }
}

/** By its own mappings, or by those of the container's users. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#posix-platform-mounts */
function idmapOf(mount: BundleMount, option: string | null, ground: MountGround): BundleLaunchMount['idmap'] {
  const [uids, gids] = [mount.uidMappings, mount.gidMappings];
  if (uids.length === 0 && gids.length === 0) {
    if (option === null) return null;
    if (ground.hasOwnUsers) return { uidMap: '', gidMap: '' };
    throw invalid(mount, `${option} needs uidMappings and gidMappings, or a user namespace`);
  }
  if (uids.length === 0 || gids.length === 0) throw invalid(mount, 'uidMappings and gidMappings go together');
  return { uidMap: mapText(uids), gidMap: mapText(gids) };
}

/** @returns mappings in the form of /proc/<pid>/uid_map. */
export function mapText(mappings: BundleMount['uidMappings']): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

type Base = Omit<BundleLaunchMount, 'kind' | 'source' | 'type' | 'hasMountsBelow'>;

/** The container sees its own group only, whatever namespace it has. */
function cgroupMounts(base: Base, { groupDirs }: MountGround): readonly BundleLaunchMount[] {
  const bind = { ...base, kind: 'bind', type: '', hasMountsBelow: false, parameters: [] } as const;
  const whole = groupDirs.find((group) => group.hierarchy === null);
  if (whole !== undefined) return [{ ...bind, source: whole.path }];
  const above: BundleLaunchMount = {
    ...bind,
    kind: 'fs',
    source: 'tmpfs',
    type: 'tmpfs',
    parameters: [['mode', '755']],
  };
  const parts = groupDirs.map(({ hierarchy, path }) => ({
    ...bind,
    source: path,
    destination: join(base.destination, hierarchy ?? ''),
  }));
  return [above, ...parts];
}

/** @returns the hierarchy a group's directory belongs to: the name of its mount point, null when it is all of v2. */
export function hierarchyOf(directory: string, cgroupPath: string): string | null {
  const mount = directory.slice(0, -cgroupPath.length);
  return dirname(mount) === '/sys/fs' ? null : basename(mount);
}

function invalid(mount: BundleMount, problem: string): BackendError {
  return new BackendError('invalid-spec', 'check mounts', `mounts: ${JSON.stringify(mount.destination)}: ${problem}`);
}
