import type { ContainerLaunch, ExecLaunch, LaunchMount, LaunchSpec, MountFlag } from './launch-spec.ts';
import { createSpecWriter, type SpecWriter } from './spec-writer.ts';

const MAGIC = 0x31534648;
const LENGTH_OFFSET = 4;
const MODES = { sandbox: 1, container: 2, exec: 3 } as const;
const MOUNT_KINDS = { bind: 1, tmpfs: 2, volume: 3 } as const;
const FLAGS = {
  privateUsers: 1 << 0,
  privateNetwork: 1 << 1,
  readonlyRoot: 1 << 2,
  noNewPrivileges: 1 << 3,
  privileged: 1 << 4,
  terminal: 1 << 5,
  sharedProcesses: 1 << 6,
  nodeProcesses: 1 << 7,
  nodeIpc: 1 << 8,
} as const;
const MOUNT_FLAGS: Readonly<Record<MountFlag, number>> = {
  rbind: 1 << 0,
  idmap: 1 << 1,
  strict: 1 << 2,
  directory: 1 << 3,
  file: 1 << 4,
  socket: 1 << 5,
  'make-path': 1 << 6,
  rslave: 1 << 7,
  rshared: 1 << 8,
};

/**
 * Writes a launch spec in the form the shim decodes (native/src/shim/spec.h; keep both in step).
 * @throws RangeError when a text holds a NUL or a number does not fit its field.
 */
export function encodeLaunchSpec(spec: LaunchSpec): Buffer {
  const writer = createSpecWriter();
  writer.u32(MAGIC);
  writer.u32(0);
  writer.u32(MODES[spec.mode]);
  writer.u32(flagsOf(spec));
  writer.texts(spec.shimGroupFiles);
  writeMode(writer, spec);
  const length = writer.finish().length;
  writer.patchU32(LENGTH_OFFSET, length);
  return writer.finish();
}

function writeMode(writer: SpecWriter, spec: LaunchSpec): void {
  switch (spec.mode) {
    case 'sandbox':
      writer.text(spec.hostname);
      writer.u32(spec.idBase);
      writer.u32(spec.idCount);
      writer.texts(spec.sysctls.flat());
      writer.list(spec.volumes, ({ name, parameters }) => {
        writer.text(name);
        writer.texts(parameters.flat());
      });
      return;
    case 'container':
      writeContainer(writer, spec);
      return;
    case 'exec':
      writeExec(writer, spec);
      return;
    default:
      spec satisfies never;
  }
}

function flagsOf(spec: LaunchSpec): number {
  let flags = 0;
  if (spec.users === 'private') flags |= FLAGS.privateUsers;
  if (spec.network === 'private') flags |= FLAGS.privateNetwork;
  if (spec.processes === 'shared') flags |= FLAGS.sharedProcesses;
  if (spec.processes === 'host') flags |= FLAGS.nodeProcesses;
  if (spec.ipc === 'host') flags |= FLAGS.nodeIpc;
  if (spec.mode === 'sandbox') return flags;
  if (spec.hasNoNewPrivileges) flags |= FLAGS.noNewPrivileges;
  if (spec.mode === 'exec') return spec.terminal === null ? flags : flags | FLAGS.terminal;
  if (spec.isRootReadonly) flags |= FLAGS.readonlyRoot;
  if (spec.isPrivileged) flags |= FLAGS.privileged;
  return flags;
}

function writeContainer(writer: SpecWriter, spec: ContainerLaunch): void {
  writer.u32(spec.sandbox.pid);
  writer.u64(BigInt(spec.sandbox.startTime));
  writer.u32(spec.joined.pid);
  writer.u64(BigInt(spec.joined.startTime));
  writer.texts(spec.groupFiles);
  writer.texts(spec.layers);
  writer.u32(spec.rootOwner);
  writer.text(spec.upperDir);
  writer.text(spec.workDir);
  writer.texts(spec.devices);
  writer.list(spec.mounts, (mount) => writeMount(writer, mount));
  writer.texts(spec.maskedPaths);
  writer.texts(spec.readonlyPaths);
  writer.texts(spec.args);
  writer.texts(spec.env);
  writer.text(spec.cwd);
  writeIdentity(writer, spec);
  writer.text(spec.log.path);
  writer.u64(BigInt(spec.log.maxBytes));
  writer.u32(spec.log.maxFiles);
  writer.text(spec.exitPath);
  writer.text(spec.mountLabel ?? '');
}

function writeExec(writer: SpecWriter, spec: ExecLaunch): void {
  writer.u32(spec.container.pid);
  writer.u64(BigInt(spec.container.startTime));
  writer.texts(spec.groupFiles);
  writer.texts(spec.args);
  writer.texts(spec.env);
  writer.text(spec.cwd);
  writeIdentity(writer, spec);
  writer.u32(spec.terminal?.rows ?? 0);
  writer.u32(spec.terminal?.columns ?? 0);
}

function writeMount(writer: SpecWriter, mount: LaunchMount): void {
  writer.u32(MOUNT_KINDS[mount.type]);
  writer.u32(mount.flags.reduce((flags, flag) => flags | MOUNT_FLAGS[flag], 0));
  writer.u64(mount.attributes);
  writer.text(mount.source);
  writer.text(mount.destination);
  writer.text(mount.subPath);
  writer.texts(mount.parameters.flat());
}

function writeIdentity(writer: SpecWriter, spec: ContainerLaunch | ExecLaunch): void {
  writer.u32(spec.user.uid);
  writer.u32(spec.user.gid);
  writer.u32(spec.user.umask);
  writer.list(spec.user.additionalGids, writer.u32);
  writer.u64(spec.capabilities);
  writer.u32(spec.oomScoreAdj >>> 0);
  writer.list(spec.rlimits, (limit) => {
    writer.u32(limit.resource);
    writer.u64(limit.soft);
    writer.u64(limit.hard);
  });
  writer.bytes(spec.seccompFilter);
  writer.text(spec.apparmorProfile ?? '');
  writer.text(spec.selinuxLabel ?? '');
  writer.u32(spec.streamOwner.uid);
  writer.u32(spec.streamOwner.gid);
}
