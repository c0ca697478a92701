import { posix } from 'node:path';
import type { ClampedSetting } from '../../backend.ts';
import { createCgroupDriver } from '../../cgroup/driver.ts';
import { hasDeviceProgram, holdDevices } from '../../cgroup/group-devices.ts';
import type { RawWrite } from '../../cgroup/raw-control.ts';
import type { GroupUsage } from '../../cgroup/usage.ts';
import { checkLimits } from '../../container/check-limits.ts';
import { BackendError } from '../../errors.ts';
import type { BundleResources } from '../config/resources-schema.ts';
import type { BundleConfig } from '../config/schema.ts';
import { deviceProgram } from './device-program.ts';
import { planResources } from './resources.ts';

const DEFAULT_PARENT = '/holdfast-runtime';

/** @returns the path of a container's group below every hierarchy. A relative one is below ours; a group of its own leaves no parent behind. @throws BackendError `invalid-spec`. */
export function cgroupPathOf(config: BundleConfig, id: string): string {
  const asked = config.linux.cgroupsPath ?? '';
  if (/^[^/]*:[^/]*:[^/]*$/.test(asked)) {
    const message = `linux.cgroupsPath: ${JSON.stringify(asked)} is for the systemd cgroup driver, which this runtime has not: have the engine use cgroupfs`;
    throw new BackendError('unsupported', 'cgroup path', message);
  }
  if (asked === '') return `${DEFAULT_PARENT}-${id}`;
  if (asked.split('/').includes('..')) {
    throw new BackendError('invalid-spec', 'cgroup path', 'linux.cgroupsPath: must not contain ".."');
  }
  const path = asked.startsWith('/') ? posix.normalize(asked) : posix.join(DEFAULT_PARENT, asked);
  return path.replace(/(?<=.)\/$/, '');
}

/** A container's group in every hierarchy. */
export interface ContainerGroup {
  /** @returns whether denied devices are refused by the kernel, once it is made. */
  holdsDevices(): boolean;
  /** @returns limits, and `devices`, that this node holds only in part. */
  create(resources: BundleResources): Promise<readonly string[]>;
  /** Changes what it may take; when that is refused, all is as before. @returns as `create` does. */
  update(resources: BundleResources, before: BundleResources): Promise<readonly string[]>;
  /** cgroup.procs files by which a process enters it, once it is made. */
  entryFiles(): readonly string[];
  pids(): Promise<readonly number[]>;
  /** @returns what it uses; null when it is gone. */
  usage(): Promise<GroupUsage | null>;
  kill(): Promise<void>;
  remove(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  isFrozen(): Promise<boolean>;
}

/** Opens the group at a path below the hierarchies' mount points. @throws BackendError `unsupported` without cgroups. */
export async function openGroup(cgroupPath: string): Promise<ContainerGroup> {
  const [root = '', ...below] = cgroupPath.split('/').filter(Boolean);
  const group = below.join('/');
  const driver = await createCgroupDriver({ root });
  const directory = driver.version === 2 ? driver.birthDirectory(group) : null;
  return {
    holdsDevices: () => driver.holdsDevices || (directory !== null && hasDeviceProgram(directory)),
    create: async (resources) => {
      const { limits, writes } = planResources(resources, driver.version);
      checkLimits(limits);
      const clamped = await driver.create(group, limits);
      await driver.writeRaw(group, writes);
      const hasProgram = directory === null || programDevices(directory, resources);
      return [...heldInPart(resources, clamped), ...(hasProgram ? [] : ['devices'])];
    },
    update: async (resources, before) => {
      const [wanted, known] = [planResources(resources, driver.version), planResources(before, driver.version)];
      checkLimits(wanted.limits);
      const clamped = await driver.update(group, wanted.limits, known.limits);
      try {
        await driver.writeRaw(group, wanted.writes.filter(isChangeable));
      } catch (error) {
        await driver.update(group, known.limits, wanted.limits).catch(() => undefined);
        await driver.writeRaw(group, known.writes.filter(isChangeable)).catch(() => undefined);
        throw error;
      }
      return heldInPart(resources, clamped);
    },
    entryFiles: () => driver.entryFiles(group),
    pids: () => driver.pids(group),
    usage: () => driver.usage(group),
    kill: () => driver.kill(group),
    remove: () => driver.remove(group),
    freeze: () => driver.freeze(group),
    thaw: () => driver.thaw(group),
    isFrozen: () => driver.isFrozen(group),
  };
}

/** A node that lets nobody load a program, such as a container itself, has mounts and seccomp to hold denied devices. */
function programDevices(directory: string, { devices }: BundleResources): boolean {
  if (!devices.some((rule) => !rule.allow)) return true;
  try {
    holdDevices(directory, deviceProgram(devices));
    return true;
  } catch (error) {
    if (error instanceof BackendError && ['EPERM', 'EINVAL', 'ENOSYS'].includes(error.errno ?? '')) return false;
    throw error;
  }
}

/** Linux takes a limit of kernel memory since 5.16 and keeps none. */
function heldInPart({ memory }: BundleResources, clamped: readonly ClampedSetting[]): readonly string[] {
  return (memory?.kernel ?? 0) > 0 ? [...clamped, 'memory.kernel'] : clamped;
}

/** Writing the rules of devices again would take all of them away for a moment. */
function isChangeable({ controller }: RawWrite): boolean {
  return controller !== 'devices';
}
