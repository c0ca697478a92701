import { BackendError } from '../errors.ts';
import type { LaunchMount, MountFlag } from '../launch/launch-spec.ts';
import type { OciMount } from '../oci.ts';
import { checkVolumeName } from '../sandbox/volumes.ts';

/** MOUNT_ATTR_* of mount_setattr(2). */
const ATTRIBUTES: Readonly<Record<string, bigint>> = { ro: 0x1n, rw: 0n, nosuid: 0x2n, nodev: 0x4n, noexec: 0x8n };
const TMPFS_PARAMETERS = /^(size|mode)=([0-9a-zA-Z%]+)$/;

const FLAGS: readonly MountFlag[] = [
  'rbind',
  'idmap',
  'strict',
  'directory',
  'file',
  'socket',
  'make-path',
  'rslave',
  'rshared',
];

/** @returns a mount as the shim makes it. @throws BackendError `invalid-spec` naming the mount and the option. */
export function launchMountOf(mount: OciMount, label: string | null): LaunchMount {
  checkPath(mount, 'destination', mount.destination);
  if (mount.type === 'bind') checkPath(mount, 'source', mount.source);
  if (mount.type === 'volume') checkVolumeName(mount.source);
  let attributes = 0n;
  const parameters: [string, string][] = mount.type === 'tmpfs' && label !== null ? [['context', label]] : [];
  const flags = new Set<MountFlag>();
  const { subPath = '' } = mount;
  if (subPath !== '') checkSubPath(mount, subPath);
  for (const option of mount.options) {
    const attribute = ATTRIBUTES[option];
    const parameter = TMPFS_PARAMETERS.exec(option);
    if (attribute !== undefined) attributes |= attribute;
    else if (mount.type === 'tmpfs' && parameter) parameters.push([parameter[1] as string, parameter[2] as string]);
    else if (mount.type !== 'tmpfs' && isFlag(option)) flags.add(option);
    else if (mount.type !== 'bind' || option !== 'bind')
      throw invalid(mount, `option ${JSON.stringify(option)} is not one a ${mount.type} mount can have`);
  }
  return {
    type: mount.type,
    source: mount.type === 'tmpfs' ? '' : mount.source,
    destination: mount.destination,
    subPath,
    attributes,
    flags: [...flags],
    parameters,
  };
}

function isFlag(option: string): option is MountFlag {
  return (FLAGS as readonly string[]).includes(option);
}

/** The kernel lets no path lead out of its volume; one that means to is told of at once. */
function checkSubPath(mount: OciMount, subPath: string): void {
  const parts = subPath.split('/');
  if (mount.type !== 'tmpfs' && !parts.some((part) => part === '' || part === '.' || part === '..')) return;
  throw invalid(
    mount,
    `subPath ${JSON.stringify(subPath)} must be a relative path without "." and ".." in a bind or volume`,
  );
}

function checkPath(mount: OciMount, field: string, path: string): void {
  const isPlain = path.startsWith('/') && path !== '/' && !path.split('/').includes('..');
  if (!isPlain && !(field === 'source' && path === '/')) {
    throw invalid(mount, `${field} ${JSON.stringify(path)} must be an absolute path without ".."`);
  }
}

function invalid(mount: OciMount, problem: string): BackendError {
  return new BackendError('invalid-spec', 'check mounts', `mounts: ${JSON.stringify(mount.destination)}: ${problem}`);
}
