import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { BackendError } from '../../errors.ts';
import type { BundleMount } from '../config/schema.ts';
import type { BundleLaunchMount } from './bundle-launch.ts';

const NODEV = 0x4n;
/** MOUNT_ATTR_* of mount_setattr(2), set or cleared. */
const ATTRIBUTES: Readonly<Record<string, { readonly set?: bigint; readonly clear?: bigint }>> = {
  ro: { set: 0x1n },
  rw: { clear: 0x1n },
  nosuid: { set: 0x2n },
  suid: { clear: 0x2n },
  nodev: { set: NODEV },
  dev: { clear: NODEV },
  noexec: { set: 0x8n },
  exec: { clear: 0x8n },
  relatime: { clear: 0x70n },
  noatime: { set: 0x10n, clear: 0x70n },
  strictatime: { set: 0x20n, clear: 0x70n },
  nodiratime: { set: 0x80n },
  diratime: { clear: 0x80n },
  nosymfollow: { set: 0x200000n },
  symfollow: { clear: 0x200000n },
};
const PROPAGATIONS: Readonly<Record<string, number>> = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
};
/** Old forms of what is so anyway. */
const WITHOUT_EFFECT = new Set(['bind', 'rbind', 'defaults', 'newinstance', 'norelatime', 'nostrictatime', 'atime']);
/** Those that take a label for the whole of them. */
const LABELLED = ['tmpfs', 'devpts'];
const FILE_SYSTEMS = ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue'];

/** Files of procfs over which others are laid, so that programs see the container's own numbers. */
const COVERED_PROC = /^\/proc\/(?:cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev)$/;

export interface MountGround {
  readonly bundle: string;
  /** Device nodes have no effect but in /dev. */
  readonly hasInertDevices: boolean;
  /** SELinux label of file systems that keep none themselves; null for none. */
  readonly mountLabel: string | null;
  /** Directories of the container's cgroups. */
  readonly groupDirs: readonly { readonly hierarchy: string | null; readonly path: string }[];
}

/** @returns a mount as the shim makes it, in several parts for the cgroups of v1. @throws BackendError `invalid-spec`. */
export function launchMountsOf(mount: BundleMount, ground: MountGround): readonly BundleLaunchMount[] {
  const destination = normalize(join('/', mount.destination)).replace(/(?<=.)\/$/, '');
  if (destination === '/') throw invalid(mount, 'the root itself cannot be covered');
  const read = readOptions(mount);
  const isBind = read.bind !== null || mount.type === 'bind';
  const base = { ...read.launch, destination, mayCoverProc: isBind && COVERED_PROC.test(destination) };
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return cgroupMounts(base, ground);
  if (isBind) {
    const source = isAbsolute(mount.source) ? mount.source : resolve(ground.bundle, mount.source);
    if (base.parameters.length > 0) throw invalid(mount, `a bind mount has no option ${base.parameters[0]?.[0]}`);
    const isInert = ground.hasInertDevices && !/^\/dev(?:\/|$)/.test(destination);
    const attributes = isInert ? { set: base.set | NODEV, clear: base.clear & ~NODEV } : {};
    return [{ ...base, ...attributes, kind: 'bind', source, type: '', hasMountsBelow: read.bind === 'rbind' }];
  }
  if (!FILE_SYSTEMS.includes(mount.type)) {
    throw invalid(mount, `type ${JSON.stringify(mount.type)} is none of bind, cgroup, ${FILE_SYSTEMS.join(', ')}`);
  }
  const isLabelled = ground.mountLabel !== null && LABELLED.includes(mount.type);
  const parameters = isLabelled ? [...base.parameters, ['context', ground.mountLabel] as const] : base.parameters;
  return [{ ...base, parameters, kind: 'fs', source: mount.source, type: mount.type, hasMountsBelow: false }];
}

interface ReadOptions {
  readonly bind: string | null;
  readonly launch: Pick<BundleLaunchMount, 'set' | 'clear' | 'propagation' | 'hasAttributesBelow' | 'parameters'>;
}

function readOptions(mount: BundleMount): ReadOptions {
  const bind = mount.options.findLast((option) => option === 'bind' || option === 'rbind');
  let [set, clear, propagation] = [0n, 0n, 0];
  let hasAttributesBelow = false;
  const parameters: [string, string][] = [];
  for (const option of mount.options) {
    const attribute = ATTRIBUTES[option] ?? recursive(ATTRIBUTES, option);
    const spread = PROPAGATIONS[option] ?? recursive(PROPAGATIONS, option);
    if (attribute !== undefined) {
      hasAttributesBelow ||= !(option in ATTRIBUTES);
      set = (set & ~(attribute.clear ?? 0n)) | (attribute.set ?? 0n);
      clear = (clear & ~(attribute.set ?? 0n)) | (attribute.clear ?? 0n);
    } else if (spread !== undefined) propagation = spread;
    else if (!WITHOUT_EFFECT.has(option)) parameters.push(parameterOf(mount, option));
  }
  return { bind: bind ?? null, launch: { set, clear, propagation, hasAttributesBelow, parameters } };
}

/** With an `r` in front, an option is for the mounts below too. */
function recursive<T>(options: Readonly<Record<string, T>>, option: string): T | undefined {
  return option.startsWith('r') ? options[option.slice(1)] : undefined;
}

function parameterOf(mount: BundleMount, option: string): [string, string] {
  const [key = '', ...value] = option.split('=');
  const isOfRuntime = ['remount', 'tmpcopyup', 'copy-symlink', 'idmap', 'ridmap'].includes(key);
  if (key === '' || isOfRuntime) throw invalid(mount, `option ${JSON.stringify(option)} is not supported`);
  return [key, value.join('=')];
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
