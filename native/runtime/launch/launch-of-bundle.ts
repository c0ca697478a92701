import { resolve } from 'node:path';
import { pathOfSysctl } from '../config/check-config.ts';
import { deniesDevices } from '../config/denies-devices.ts';
import type { BundleConfig } from '../config/schema.ts';
import type { BundleLaunch, BundleLaunchProcess, BundleTerminal, Ending } from './bundle-launch.ts';
import { devicesOf } from './devices.ts';
import { launchMountsOf, type MountGround, mapText } from './mounts.ts';

/** CLONE_NEW* of clone(2). */
const NAMESPACES = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  mount: 0x00020000,
  network: 0x40000000,
  pid: 0x20000000,
  time: 0x00000080,
  user: 0x10000000,
  uts: 0x04000000,
} as const;
/** MS_* of mount(2). */
const ROOT_PROPAGATIONS = { unbindable: 1 << 17, slave: 1 << 19, shared: 1 << 20 } as const;

export interface BundleGround extends Omit<MountGround, 'hasInertDevices' | 'hasOwnUsers'> {
  readonly groupFiles: readonly string[];
  readonly stateDir: string;
  readonly terminal: BundleTerminal;
  readonly process: BundleLaunchProcess;
  readonly ending: Ending;
  readonly preservedCount: number;
}

/** Decides everything about one container's creation. @throws BackendError `invalid-spec` for what cannot be made. */
export function launchOfBundle(config: BundleConfig, ground: BundleGround): BundleLaunch {
  const { linux, root } = config;
  const hasInertDevices = deniesDevices(config);
  const hasOwnUsers = linux.namespaces.some((namespace) => namespace.type === 'user');
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
    timeOffsets: Object.entries(linux.timeOffsets)
      .map(([clock, { secs, nanosecs }]) => `${clock} ${secs} ${nanosecs}\n`)
      .join(''),
    sysctls: Object.entries(linux.sysctl).map(([name, value]) => [pathOfSysctl(name), value]),
    mounts: config.mounts.flatMap((mount) => launchMountsOf(mount, { ...ground, hasInertDevices, hasOwnUsers })),
    devices: hasOwnDev ? devicesOf(linux.devices) : [],
    maskedPaths: linux.maskedPaths,
    readonlyPaths: linux.readonlyPaths,
    process: ground.process,
    isNeverStarted: config.process === undefined,
    ending: ground.ending,
    preservedCount: ground.preservedCount,
    stateDir: ground.stateDir,
    terminal: ground.terminal,
  };
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
