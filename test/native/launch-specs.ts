import fc from 'fast-check';
import type {
  ContainerLaunch,
  ExecLaunch,
  LaunchMount,
  LaunchSpec,
  SandboxLaunch,
} from '../../native/launch/launch-spec.ts';

const U32 = 0xffffffff;
const letter = fc.constantFrom('a', 'Z', '0', ' ', '/', '=', '"', '\\', '\t', '\u007f', 'é', '字', '😀');
const text = fc.string({ unit: letter, maxLength: 40 });
const texts = fc.array(text, { maxLength: 5 });
const u32 = fc.integer({ min: 0, max: U32 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const users = fc.constantFrom('private' as const, 'host' as const);
const processes = fc.constantFrom('own' as const, 'shared' as const, 'host' as const);
const namespaces = { users, network: users, processes, ipc: users };

const sandbox: fc.Arbitrary<SandboxLaunch> = fc.record({
  mode: fc.constant('sandbox' as const),
  birthGroup: fc.constant(null),
  shimGroupFiles: texts,
  ...namespaces,
  hostname: text,
  idBase: u32,
  idCount: u32,
  sysctls: fc.array(fc.tuple(text, text), { maxLength: 3 }),
  volumes: fc.array(fc.record({ name: text, parameters: fc.array(fc.tuple(text, text), { maxLength: 3 }) }), {
    maxLength: 3,
  }),
});

/** In the order of their bits. */
const MOUNT_FLAGS = [
  ...(['rbind', 'idmap', 'strict', 'directory', 'file', 'socket', 'make-path', 'rslave', 'rshared'] as const),
];

const mount: fc.Arbitrary<LaunchMount> = fc.record({
  type: fc.constantFrom('bind' as const, 'tmpfs' as const, 'volume' as const),
  source: text,
  destination: text,
  subPath: text,
  attributes: u64,
  flags: fc.subarray(MOUNT_FLAGS),
  parameters: fc.array(fc.tuple(text, text), { maxLength: 3 }),
});

const process = {
  groupFiles: texts,
  args: fc.array(text, { minLength: 1, maxLength: 5 }),
  env: texts,
  cwd: text,
  user: fc.record({ uid: u32, gid: u32, umask: u32, additionalGids: fc.array(u32, { maxLength: 4 }) }),
  capabilities: u64,
  oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
  rlimits: fc.array(fc.record({ resource: u32, soft: u64, hard: u64 }), { maxLength: 4 }),
  seccompFilter: fc.uint8Array({ maxLength: 32 }),
  streamOwner: fc.record({ uid: u32, gid: u32 }),
  hasNoNewPrivileges: fc.boolean(),
  apparmorProfile: fc.option(text),
  selinuxLabel: fc.option(text),
};

const processId = fc.record({ pid: fc.integer({ min: 1, max: 2 ** 22 }), startTime: fc.nat() });

const exec: fc.Arbitrary<ExecLaunch> = fc.record({
  mode: fc.constant('exec' as const),
  birthGroup: fc.constant(null),
  shimGroupFiles: texts,
  ...namespaces,
  container: processId,
  ...process,
  terminal: fc.option(fc.record({ rows: u32, columns: u32 })),
});

const container: fc.Arbitrary<ContainerLaunch> = fc.record({
  mode: fc.constant('container' as const),
  birthGroup: fc.constant(null),
  shimGroupFiles: texts,
  ...namespaces,
  sandbox: processId,
  joined: processId,
  ...process,
  layers: fc.array(text, { minLength: 1, maxLength: 5 }),
  rootOwner: u32,
  upperDir: text,
  workDir: text,
  devices: texts,
  mounts: fc.array(mount, { maxLength: 4 }),
  maskedPaths: texts,
  readonlyPaths: texts,
  log: fc.record({ path: text, maxBytes: fc.maxSafeNat(), maxFiles: fc.integer({ min: 1, max: U32 }) }),
  exitPath: text,
  mountLabel: fc.option(text),
  isRootReadonly: fc.boolean(),
  isPrivileged: fc.boolean(),
});

/** Any launch spec, also such as no backend would make. */
export const anyLaunchSpec: fc.Arbitrary<LaunchSpec> = fc.oneof(sandbox, container, exec);

/** The line shim-parts prints for a spec. */
export function expectedLine(spec: LaunchSpec): string {
  const head = [MODES[spec.mode], flagsOf(spec), ...counted(spec.shimGroupFiles)];
  return [...head, ...fieldsOf(spec)].map((field) => `${field}\x1f`).join('');
}

const MODES = { sandbox: 1, container: 2, exec: 3 } as const;

function flagsOf(spec: LaunchSpec): number {
  const shared =
    bit(spec.users === 'private', 0) +
    bit(spec.network === 'private', 1) +
    bit(spec.processes === 'shared', 6) +
    bit(spec.processes === 'host', 7) +
    bit(spec.ipc === 'host', 8);
  if (spec.mode === 'sandbox') return shared;
  const confined = shared + bit(spec.hasNoNewPrivileges, 3);
  if (spec.mode === 'exec') return confined + bit(spec.terminal !== null, 5);
  return confined + bit(spec.isRootReadonly, 2) + bit(spec.isPrivileged, 4);
}

function fieldsOf(spec: LaunchSpec): readonly Field[] {
  if (spec.mode === 'sandbox') {
    const volumes = spec.volumes.flatMap(({ name, parameters }) => [name, ...counted(parameters.flat())]);
    const { hostname, idBase, idCount, sysctls } = spec;
    return [hostname, idBase, idCount, ...counted(sysctls.flat()), spec.volumes.length, ...volumes];
  }
  return spec.mode === 'exec' ? execFields(spec) : containerFields(spec);
}

type Field = string | number | bigint;

function containerFields(spec: ContainerLaunch): readonly Field[] {
  return [
    ...[spec.sandbox.pid, spec.sandbox.startTime, spec.joined.pid, spec.joined.startTime],
    ...[...counted(spec.groupFiles), ...counted(spec.layers)],
    ...[spec.rootOwner, spec.upperDir, spec.workDir, ...counted(spec.devices)],
    ...[spec.mounts.length, ...spec.mounts.flatMap(mountFields)],
    ...[...counted(spec.maskedPaths), ...counted(spec.readonlyPaths), ...processFields(spec)],
    ...[spec.log.path, spec.log.maxBytes, spec.log.maxFiles, spec.exitPath, spec.mountLabel ?? ''],
  ];
}

function execFields(spec: ExecLaunch): readonly Field[] {
  const { rows, columns } = spec.terminal ?? { rows: 0, columns: 0 };
  const { pid, startTime } = spec.container;
  return [pid, startTime, ...counted(spec.groupFiles), ...processFields(spec), rows, columns];
}

function processFields(spec: ContainerLaunch | ExecLaunch): readonly Field[] {
  return [
    ...[...counted(spec.args), ...counted(spec.env)],
    ...[spec.cwd, spec.user.uid, spec.user.gid, spec.user.umask, ...counted(spec.user.additionalGids)],
    ...[spec.capabilities, spec.oomScoreAdj, spec.rlimits.length],
    ...spec.rlimits.flatMap((limit) => [limit.resource, limit.soft, limit.hard]),
    ...[...counted([...spec.seccompFilter]), spec.apparmorProfile ?? '', spec.selinuxLabel ?? ''],
    ...[spec.streamOwner.uid, spec.streamOwner.gid],
  ];
}

function mountFields(mount: LaunchMount): readonly Field[] {
  const kind = { bind: 1, tmpfs: 2, volume: 3 }[mount.type];
  const flags = mount.flags.reduce((sum, flag) => sum + bit(true, MOUNT_FLAGS.indexOf(flag)), 0);
  const { attributes, source, destination, subPath, parameters } = mount;
  return [kind, flags, attributes, source, destination, subPath, ...counted(parameters.flat())];
}

function counted(items: readonly Field[]): readonly Field[] {
  return [items.length, ...items];
}

function bit(isSet: boolean, position: number): number {
  return isSet ? 1 << position : 0;
}
