import type { OciSeccomp } from '../../oci.ts';
import type { BundleConfig } from '../config/schema.ts';
import type { BundleDevice } from './bundle-launch.ts';

/** Type bits of stat(2). */
const TYPE_BITS = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 } as const;

/** What every container gets. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#default-devices */
const DEFAULT: readonly BundleDevice[] = (
  [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['full', 1, 7],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ] as const
).map(([name, major, minor]) => ({ path: `/dev/${name}`, mode: TYPE_BITS.c | 0o666, major, minor, uid: 0, gid: 0 }));

/** @returns the devices a container gets: the default ones and its own, which win. */
export function devicesOf(devices: BundleConfig['linux']['devices']): readonly BundleDevice[] {
  const own = devices.map(({ type, path, fileMode, major, minor, uid, gid }) => ({
    path,
    mode: TYPE_BITS[type] | fileMode,
    major,
    minor,
    uid,
    gid,
  }));
  return [...DEFAULT.filter(({ path }) => !own.some((device) => device.path === path)), ...own];
}

const EPERM = 1;
const S_IFMT = 0o170000;

/**
 * With CAP_MKNOD a container could make the nodes of devices it is denied, in /dev, where nodes have effect.
 * @returns the profile, with the system calls that make devices refused on top.
 */
export function refuseMakingDevices(profile: OciSeccomp | null): OciSeccomp {
  const { syscalls, ...others } = profile ?? { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] };
  const refusals = (['b', 'c'] as const).flatMap((type) =>
    (
      [
        ['mknod', 1],
        ['mknodat', 2],
      ] as const
    ).map(([name, index]) => ({
      names: [name],
      action: 'SCMP_ACT_ERRNO' as const,
      errnoRet: EPERM,
      args: [{ index, op: 'SCMP_CMP_MASKED_EQ' as const, value: S_IFMT, valueTwo: TYPE_BITS[type] }],
    })),
  );
  return { ...others, syscalls: [...syscalls, ...refusals] };
}
