import { join } from 'node:path';
import type { ContainerSpec } from '../backend.ts';
import type { CgroupDriver } from '../cgroup/driver.ts';
import { labelsToSet } from '../labels/labels-to-set.ts';
import type { ContainerLaunch } from '../launch/launch-spec.ts';
import type { ProcessId } from '../process/process-id.ts';
import { groupOf, shimGroupOf } from '../records/layout.ts';
import type { SandboxRecord } from '../records/records.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { capabilityBits } from './capabilities.ts';
import { devicesFor } from './devices.ts';
import { launchMountOf } from './mounts.ts';
import { rlimitsOf } from './rlimits.ts';

export interface LaunchGround {
  readonly cgroups: CgroupDriver;
  readonly sandbox: SandboxRecord;
  readonly holder: ProcessId;
  /** Init of the container whose processes are shared, where the spec names one. */
  readonly target?: ProcessId | null;
  /** Holds `upper` and `work`. */
  readonly rootDir: string;
  readonly exitPath: string;
}

/** Decides everything about one container's start. @throws BackendError `invalid-spec` for what cannot be started. */
export async function launchOf(spec: ContainerSpec, ground: LaunchGround): Promise<ContainerLaunch> {
  const { process, linux, root, mounts } = spec.config;
  const idBase = ground.sandbox.idBase ?? 0;
  const labels = await labelsToSet({
    apparmorProfile: process.apparmorProfile ?? null,
    selinuxLabel: process.selinuxLabel ?? null,
    mountLabel: linux.mountLabel ?? null,
  });
  return {
    mode: 'container',
    birthGroup: ground.cgroups.birthDirectory(shimGroupOf(spec.sandboxId)),
    shimGroupFiles: ground.cgroups.unlimitedEntryFiles(shimGroupOf(spec.sandboxId)),
    users: ground.sandbox.idBase === null ? 'host' : 'private',
    network: ground.sandbox.network === 'host' ? 'host' : 'private',
    processes: processesOf(ground),
    ipc: ground.sandbox.ipc ?? 'private',
    sandbox: ground.holder,
    joined: ground.target ?? ground.holder,
    groupFiles: ground.cgroups.entryFiles(groupOf(spec), spec.limits),
    layers: spec.layers,
    rootOwner: idBase,
    upperDir: join(ground.rootDir, 'upper'),
    workDir: join(ground.rootDir, 'work'),
    devices: await devicesFor(linux.privileged ? 'privileged' : 'default'),
    mounts: mounts.map((mount) => launchMountOf(mount, labels.mountLabel)),
    maskedPaths: linux.maskedPaths,
    readonlyPaths: linux.readonlyPaths,
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    user: process.user,
    capabilities: capabilityBits(process.capabilities),
    oomScoreAdj: process.oomScoreAdj,
    rlimits: rlimitsOf(process),
    seccompFilter: linux.seccomp === null ? new Uint8Array() : compileSeccomp(linux.seccomp),
    streamOwner: { uid: idBase + process.user.uid, gid: idBase + process.user.gid },
    log: spec.log,
    exitPath: ground.exitPath,
    ...labels,
    isRootReadonly: root.readonly,
    hasNoNewPrivileges: process.noNewPrivileges,
    isPrivileged: linux.privileged,
  };
}

/** Joining one container makes no difference where all see the same. */
function processesOf({ sandbox, target }: LaunchGround): ContainerLaunch['processes'] {
  const { processes = 'own' } = sandbox;
  return processes === 'own' && target ? 'shared' : processes;
}
