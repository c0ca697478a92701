import fc from 'fast-check';
import type { ContainerLaunch, LaunchMount, LaunchSpec, SandboxLaunch } from '../../native/launch/launch-spec.ts';

const U32 = 0xffffffff;
const letter = fc.constantFrom('a', 'Z', '0', ' ', '/', '=', '"', '\\', '\t', '\u007f', 'é', '字', '😀');
const text = fc.string({ unit: letter, maxLength: 40 });
const texts = fc.array(text, { maxLength: 5 });
const u32 = fc.integer({ min: 0, max: U32 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const users = fc.constantFrom('private' as const, 'host' as const);

const sandbox: fc.Arbitrary<SandboxLaunch> = fc.record({
  mode: fc.constant('sandbox' as const),
  shimGroupFiles: texts,
  users,
  network: users,
  hostname: text,
  idBase: u32,
  idCount: u32,
});

const mount: fc.Arbitrary<LaunchMount> = fc.record({
  type: fc.constantFrom('bind' as const, 'tmpfs' as const),
  source: text,
  destination: text,
  attributes: u64,
  isRecursive: fc.boolean(),
  isIdmapped: fc.boolean(),
  parameters: fc.array(fc.tuple(text, text), { maxLength: 3 }),
});

const container: fc.Arbitrary<ContainerLaunch> = fc.record({
  mode: fc.constant('container' as const),
  shimGroupFiles: texts,
  users,
  network: users,
  sandbox: fc.record({ pid: fc.integer({ min: 1, max: 2 ** 22 }), startTime: fc.nat() }),
  groupFiles: texts,
  layers: fc.array(text, { minLength: 1, maxLength: 5 }),
  upperDir: text,
  workDir: text,
  devices: texts,
  mounts: fc.array(mount, { maxLength: 4 }),
  maskedPaths: texts,
  readonlyPaths: texts,
  args: fc.array(text, { minLength: 1, maxLength: 5 }),
  env: texts,
  cwd: text,
  user: fc.record({ uid: u32, gid: u32, umask: u32, additionalGids: fc.array(u32, { maxLength: 4 }) }),
  capabilities: u64,
  oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
  rlimits: fc.array(fc.record({ resource: u32, soft: u64, hard: u64 }), { maxLength: 4 }),
  seccompFilter: fc.uint8Array({ maxLength: 32 }),
  streamOwner: fc.record({ uid: u32, gid: u32 }),
  log: fc.record({ path: text, maxBytes: fc.maxSafeNat(), maxFiles: fc.integer({ min: 1, max: U32 }) }),
  exitPath: text,
  isRootReadonly: fc.boolean(),
  hasNoNewPrivileges: fc.boolean(),
  isPrivileged: fc.boolean(),
});

/** Any launch spec, also such as no backend would make. */
export const anyLaunchSpec: fc.Arbitrary<LaunchSpec> = fc.oneof(sandbox, container);

/** The line shim-parts prints for a spec. */
export function expectedLine(spec: LaunchSpec): string {
  const flags =
    bit(spec.users === 'private', 0) +
    bit(spec.network === 'private', 1) +
    (spec.mode === 'sandbox'
      ? 0
      : bit(spec.isRootReadonly, 2) + bit(spec.hasNoNewPrivileges, 3) + bit(spec.isPrivileged, 4));
  const head = [spec.mode === 'sandbox' ? 1 : 2, flags, ...counted(spec.shimGroupFiles)];
  const fields = spec.mode === 'sandbox' ? [spec.hostname, spec.idBase, spec.idCount] : containerFields(spec);
  return [...head, ...fields].map((field) => `${field}\x1f`).join('');
}

type Field = string | number | bigint;

function containerFields(spec: ContainerLaunch): readonly Field[] {
  return [
    ...[spec.sandbox.pid, spec.sandbox.startTime, ...counted(spec.groupFiles), ...counted(spec.layers)],
    ...[spec.upperDir, spec.workDir, ...counted(spec.devices), spec.mounts.length, ...spec.mounts.flatMap(mountFields)],
    ...[...counted(spec.maskedPaths), ...counted(spec.readonlyPaths), ...counted(spec.args), ...counted(spec.env)],
    ...[spec.cwd, spec.user.uid, spec.user.gid, spec.user.umask, ...counted(spec.user.additionalGids)],
    ...[spec.capabilities, spec.oomScoreAdj, spec.rlimits.length],
    ...spec.rlimits.flatMap((limit) => [limit.resource, limit.soft, limit.hard]),
    ...[...counted([...spec.seccompFilter]), spec.streamOwner.uid, spec.streamOwner.gid],
    ...[spec.log.path, spec.log.maxBytes, spec.log.maxFiles, spec.exitPath],
  ];
}

function mountFields(mount: LaunchMount): readonly Field[] {
  const kind = mount.type === 'bind' ? 1 : 2;
  const flags = bit(mount.isRecursive, 0) + bit(mount.isIdmapped, 1);
  return [kind, flags, mount.attributes, mount.source, mount.destination, ...counted(mount.parameters.flat())];
}

function counted(items: readonly Field[]): readonly Field[] {
  return [items.length, ...items];
}

function bit(isSet: boolean, position: number): number {
  return isSet ? 1 << position : 0;
}
