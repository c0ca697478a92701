import { resolve } from 'node:path';
import { capabilityBits } from '../../container/capabilities.ts';
import { rlimitNumber } from '../../container/rlimits.ts';
import type { Labels } from '../../labels/labels-to-set.ts';
import { compileSeccomp } from '../../seccomp/compile.ts';
import type { BundleConfig } from '../config/schema.ts';
import type { BundleLaunch, BundleLaunchProcess } from './bundle-launch.ts';
import { deniesDevices, devicesOf, refuseMakingDevices } from './devices.ts';
import { launchMountsOf, type MountGround } from './mounts.ts';

/** CLONE_NEW* of clone(2). */
const NAMESPACES = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  mount: 0x00020000,
  network: 0x40000000,
  pid: 0x20000000,
  user: 0x10000000,
  uts: 0x04000000,
} as const;
/** MS_* of mount(2). */
const ROOT_PROPAGATIONS = { unbindable: 1 << 17, slave: 1 << 19, shared: 1 << 20 } as const;
const MAX_U64 = 2n ** 64n - 1n;

export interface BundleGround extends Omit<MountGround, 'hasInertDevices' | 'mountLabel'> {
  /** Those that are for the shim to set. */
  readonly labels: Labels;
  readonly groupFiles: readonly string[];
  readonly stateDir: string;
  readonly consoleSocket: string | null;
}

/** Decides everything about one container's creation. @throws BackendError `invalid-spec` for what cannot be made. */
export function launchOfBundle(config: BundleConfig, ground: BundleGround): BundleLaunch {
  const { linux, root } = config;
  const hasInertDevices = deniesDevices(config);
  const hasOwnDev = !config.mounts.some(({ destination, type, options }) => {
    const isBind = type === 'bind' || options.some((option) => option === 'bind' || option === 'rbind');
    return isBind && resolve('/', destination) === '/dev';
  });
  return {
    groupFiles: ground.groupFiles,
    rootDir: resolve(ground.bundle, root.path),
    rootPropagation: rootPropagationOf(linux.rootfsPropagation),
    isRootReadonly: root.readonly,
    hasInertDevices,
    hasOwnDev,
    hostname: config.hostname,
    domainname: config.domainname,
    namespaces: linux.namespaces.map(({ type, path }) => ({ kind: NAMESPACES[type], path: path || null })),
    uidMap: mapText(linux.uidMappings),
    gidMap: mapText(linux.gidMappings),
    sysctls: Object.entries(linux.sysctl).map(([name, value]) => [pathOfSysctl(name), value]),
    mounts: config.mounts.flatMap((mount) =>
      launchMountsOf(mount, { ...ground, hasInertDevices, mountLabel: ground.labels.mountLabel }),
    ),
    devices: hasOwnDev ? devicesOf(linux.devices) : [],
    maskedPaths: linux.maskedPaths,
    readonlyPaths: linux.readonlyPaths,
    process: processOf(config, ground.labels),
    stateDir: ground.stateDir,
    consoleSocket: ground.consoleSocket,
  };
}

/** Beside names with dots there are names with slashes, for interfaces that have a dot (sysctl(8)). */
function pathOfSysctl(name: string): string {
  return name.includes('/') ? name : name.replaceAll('.', '/');
}

function rootPropagationOf(name: BundleConfig['linux']['rootfsPropagation']): number {
  switch (name) {
    case '':
    case 'private':
    case 'rprivate':
      return 0;
    case 'slave':
    case 'rslave':
      return ROOT_PROPAGATIONS.slave;
    case 'shared':
    case 'rshared':
      return ROOT_PROPAGATIONS.shared;
    case 'unbindable':
      return ROOT_PROPAGATIONS.unbindable;
    default:
      return name satisfies never;
  }
}

function mapText(mappings: BundleConfig['linux']['uidMappings']): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

function processOf(config: BundleConfig, labels: Labels): BundleLaunchProcess {
  const { process } = config;
  const sets = process.capabilities;
  return {
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    user: process.user,
    capabilities: {
      bounding: capabilityBits(sets?.bounding ?? []),
      effective: capabilityBits(sets?.effective ?? []),
      permitted: capabilityBits(sets?.permitted ?? []),
      inheritable: capabilityBits(sets?.inheritable ?? []),
      ambient: capabilityBits(sets?.ambient ?? []),
    },
    hasNoNewPrivileges: process.noNewPrivileges,
    oomScoreAdj: process.oomScoreAdj ?? null,
    rlimits: process.rlimits.map(({ type, soft, hard }) => ({
      resource: rlimitNumber(type),
      soft: unsigned64(soft),
      hard: unsigned64(hard),
    })),
    seccompFilter: filterOf(config),
    apparmorProfile: labels.apparmorProfile,
    selinuxLabel: labels.selinuxLabel,
    terminalSize: { rows: process.consoleSize?.height ?? 0, columns: process.consoleSize?.width ?? 0 },
  };
}

function filterOf(config: BundleConfig): Uint8Array {
  const { process, linux } = config;
  const isRefused = deniesDevices(config) && process.capabilities?.bounding.includes('CAP_MKNOD') === true;
  const profile = isRefused ? refuseMakingDevices(linux.seccomp) : linux.seccomp;
  return profile === undefined ? new Uint8Array() : compileSeccomp(profile);
}

/** JSON's numbers round 2^64-1, which means no limit, up by one. */
function unsigned64(value: number): bigint {
  return value >= Number(MAX_U64) ? MAX_U64 : BigInt(value);
}
