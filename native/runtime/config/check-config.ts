import { BackendError } from '../../errors.ts';
import type { BundleConfig, BundleProcess } from './schema.ts';

/** Refuses what fields ask for together that none of them asks for alone. @throws BackendError `invalid-spec`. */
export function checkConfig(config: BundleConfig): void {
  const problem = contradiction(config);
  if (problem !== null) throw new BackendError('invalid-spec', 'check config', problem);
}

/**
 * Refuses a process that could get at the devices its container is denied. @throws BackendError `invalid-spec`.
 */
export function checkMountPower(
  { capabilities }: BundleProcess,
  container: { readonly deniesDevices: boolean; readonly hasOwnUsers: boolean },
  group: { holdsDevices(): boolean },
): void {
  const mayMount = capabilities?.bounding.includes('CAP_SYS_ADMIN') === true && !container.hasOwnUsers;
  if (!mayMount || !container.deniesDevices || group.holdsDevices()) return;
  const message =
    'process.capabilities.bounding: CAP_SYS_ADMIN can mount the devices that linux.resources.devices denies, and no cgroup of this node holds it: leave one out';
  throw new BackendError('invalid-spec', 'check config', message);
}

function contradiction({ linux, hostname, domainname }: BundleConfig): string | null {
  const types = linux.namespaces.map((each) => each.type);
  const own = (type: string): boolean => linux.namespaces.some((each) => each.type === type);
  const isNew = (type: string): boolean => linux.namespaces.some((each) => each.type === type && !each.path);
  if (new Set(types).size < types.length) return 'linux.namespaces: each type may be there once';
  if (!isNew('mount')) return 'linux.namespaces: a new mount namespace is needed';
  if ((hostname !== '' || domainname !== '') && !own('uts')) return 'hostname: needs a uts namespace';
  const hasMappings = linux.uidMappings.length > 0 && linux.gidMappings.length > 0;
  if (isNew('user') && !hasMappings) return 'linux.namespaces: a new user namespace needs uidMappings and gidMappings';
  if (hasMappings && !own('user')) return 'linux.uidMappings: need a user namespace';
  if (Object.keys(linux.timeOffsets).length > 0 && !isNew('time'))
    return 'linux.timeOffsets: need a new time namespace';
  for (const name of Object.keys(linux.sysctl)) {
    const namespace = namespaceOfSysctl(name);
    if (namespace === null) return `linux.sysctl.${name}: belongs to the whole node`;
    if (!own(namespace)) return `linux.sysctl.${name}: needs a ${namespace} namespace`;
  }
  return null;
}

/** sysctls that a namespace has for itself (namespaces(7)). */
function namespaceOfSysctl(name: string): string | null {
  const path = pathOfSysctl(name);
  if (path.split('/').some((part) => ['', '.', '..'].includes(part))) return null;
  if (/^net\/./.test(path)) return 'network';
  if (/^kernel\/(?:msg\w+|sem|shm\w+)$|^fs\/mqueue\/\w+$/.test(path)) return 'ipc';
  return path === 'kernel/domainname' ? 'uts' : null;
}

/** @returns where it is below /proc/sys. Beside names with dots there are names with slashes, for interfaces that have a dot (sysctl(8)). */
export function pathOfSysctl(name: string): string {
  return name.includes('/') ? name : name.replaceAll('.', '/');
}
