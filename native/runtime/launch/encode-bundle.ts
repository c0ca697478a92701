import { createSpecWriter, type SpecWriter } from '../../launch/spec-writer.ts';
import type { ProcessId } from '../../process/process-id.ts';
import type {
  BundleExecLaunch,
  BundleLaunch,
  BundleLaunchMount,
  BundleLaunchProcess,
  BundleSchedule,
  VisitLaunch,
} from './bundle-launch.ts';

const MAGIC = 0x31534648;
const LENGTH_OFFSET = 4;
const NO_PERSONALITY = 0xffffffff;
const SAME_SCHEDULE = 0xffffffff;
const MODES = { bundle: 16, visit: 17, exec: 18 } as const;
const FLAGS = {
  readonlyRoot: 1 << 2,
  noNewPrivileges: 1 << 3,
  rootNodev: 1 << 8,
  relay: 1 << 9,
  oomScore: 1 << 10,
  ownDev: 1 << 11,
  wait: 1 << 12,
  neverStarted: 1 << 13,
} as const;
const MOUNT_KINDS = { bind: 1, fs: 2 } as const;
const MOUNT_FLAGS = { tree: 1 << 0, idmap: 1 << 1, overProc: 1 << 2, idmapBelow: 1 << 3, copyUp: 1 << 4 } as const;

/** Writes what the shim decodes in native/src/shim/bundle/decode.c; keep both in step. */
export function encodeBundleLaunch(launch: BundleLaunch): Buffer {
  return encode(MODES.bundle, (writer) => {
    writer.u32(flagsOf(launch));
    writer.texts(launch.groupFiles);
    writer.text(launch.rootDir);
    writer.u32(launch.rootPropagation);
    writer.text(launch.hostname);
    writer.text(launch.domainname);
    writer.list(launch.namespaces, ({ kind, path }) => {
      writer.u32(kind);
      writer.text(path ?? '');
    });
    writer.text(launch.uidMap);
    writer.text(launch.gidMap);
    writer.text(launch.timeOffsets);
    writer.texts(launch.sysctls.flat());
    writer.list(launch.mounts, (mount) => writeMount(writer, mount));
    writer.list(launch.devices, (device) => {
      writer.text(device.path);
      for (const number of [device.mode, device.major, device.minor, device.uid, device.gid]) writer.u32(number);
    });
    writer.texts(launch.maskedPaths);
    writer.texts(launch.readonlyPaths);
    writeProcess(writer, launch.process);
    writer.text(launch.stateDir);
    writer.text(launch.terminal.kind === 'sent' ? launch.terminal.socket : '');
    writer.u32(launch.preservedCount);
  });
}

/** The same for one more process of a container. */
export function encodeBundleExecLaunch(launch: BundleExecLaunch): Buffer {
  return encode(MODES.exec, (writer) => {
    writer.u32(processFlagsOf(launch));
    writer.texts(launch.groupFiles);
    writeProcessId(writer, launch.container);
    writeProcess(writer, launch.process);
    writer.text(launch.terminal.kind === 'sent' ? launch.terminal.socket : '');
    writer.u32(launch.preservedCount);
  });
}

/** The same for a program that visits a container. */
export function encodeVisitLaunch(launch: VisitLaunch): Buffer {
  return encode(MODES.visit, (writer) => {
    writeProcessId(writer, launch.container);
    writer.texts([launch.path, ...launch.args]);
    writer.texts(launch.env);
  });
}

function encode(mode: number, write: (writer: SpecWriter) => void): Buffer {
  const writer = createSpecWriter();
  writer.u32(MAGIC);
  writer.u32(0);
  writer.u32(mode);
  write(writer);
  writer.patchU32(LENGTH_OFFSET, writer.finish().length);
  return writer.finish();
}

function flagsOf(launch: BundleLaunch): number {
  let flags = processFlagsOf(launch);
  if (launch.isRootReadonly) flags |= FLAGS.readonlyRoot;
  if (launch.hasInertDevices) flags |= FLAGS.rootNodev;
  if (launch.hasOwnDev) flags |= FLAGS.ownDev;
  if (launch.isNeverStarted) flags |= FLAGS.neverStarted;
  return flags;
}

function processFlagsOf(launch: BundleLaunch | BundleExecLaunch): number {
  let flags = 0;
  if (launch.process.hasNoNewPrivileges) flags |= FLAGS.noNewPrivileges;
  if (launch.terminal.kind === 'relayed') flags |= FLAGS.relay;
  if (launch.process.oomScoreAdj !== null) flags |= FLAGS.oomScore;
  if (launch.ending === 'awaited') flags |= FLAGS.wait;
  return flags;
}

function writeProcessId(writer: SpecWriter, { pid, startTime }: ProcessId): void {
  writer.u32(pid);
  writer.u64(BigInt(startTime));
}

function writeMount(writer: SpecWriter, mount: BundleLaunchMount): void {
  let flags = 0;
  if (mount.hasMountsBelow) flags |= MOUNT_FLAGS.tree;
  if (mount.idmap !== null) flags |= MOUNT_FLAGS.idmap;
  if (mount.isIdmapBelow) flags |= MOUNT_FLAGS.idmapBelow;
  if (mount.isCopiedUp) flags |= MOUNT_FLAGS.copyUp;
  if (mount.mayCoverProc) flags |= MOUNT_FLAGS.overProc;
  writer.u32(MOUNT_KINDS[mount.kind]);
  writer.u32(flags);
  writer.u64(mount.set);
  writer.u64(mount.clear);
  writer.u64(mount.setBelow);
  writer.u64(mount.clearBelow);
  writer.u32(mount.propagation);
  writer.text(mount.source);
  writer.text(mount.destination);
  writer.text(mount.type);
  writer.texts(mount.parameters.flat());
  writer.text(mount.idmap?.uidMap ?? '');
  writer.text(mount.idmap?.gidMap ?? '');
}

function writeProcess(writer: SpecWriter, process: BundleLaunchProcess): void {
  writer.texts(process.args);
  writer.texts(process.env);
  writer.text(process.cwd);
  writer.u32(process.user.uid);
  writer.u32(process.user.gid);
  writer.u32(process.user.umask);
  writer.list(process.user.additionalGids, writer.u32);
  const { bounding, effective, permitted, inheritable, ambient } = process.capabilities;
  for (const set of [bounding, effective, permitted, inheritable, ambient]) writer.u64(set);
  writer.u32((process.oomScoreAdj ?? 0) >>> 0);
  writer.list(process.rlimits, (limit) => {
    writer.u32(limit.resource);
    writer.u64(limit.soft);
    writer.u64(limit.hard);
  });
  writer.bytes(process.seccompFilter);
  writer.text(process.apparmorProfile ?? '');
  writer.text(process.selinuxLabel ?? '');
  writer.u32(process.personality ?? NO_PERSONALITY);
  writer.u32(process.terminalSize.rows);
  writer.u32(process.terminalSize.columns);
  writeSchedule(writer, process.schedule);
}

function writeSchedule(writer: SpecWriter, { scheduler, ioPriority, firstCpus, cpus }: BundleSchedule): void {
  writer.u32(scheduler?.policy ?? SAME_SCHEDULE);
  writer.u64(scheduler?.flags ?? 0n);
  writer.u32((scheduler?.nice ?? 0) >>> 0);
  writer.u32(scheduler?.priority ?? 0);
  for (const time of ['runtime', 'deadline', 'period'] as const) writer.u64(scheduler?.[time] ?? 0n);
  writer.u32(ioPriority ?? SAME_SCHEDULE);
  writer.bytes(firstCpus);
  writer.bytes(cpus);
}
