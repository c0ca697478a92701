import { capabilityBits } from '../../container/capabilities.ts';
import { rlimitNumber } from '../../container/rlimits.ts';
import type { Labels } from '../../labels/labels-to-set.ts';
import type { OciSeccomp } from '../../oci.ts';
import { compileSeccomp } from '../../seccomp/compile.ts';
import { cpuBits, ioPriorityNumber, policyNumber, type Scheduler, schedulerFlags } from '../config/schedule-schema.ts';
import type { BundleProcess } from '../config/schema.ts';
import type { BundleLaunchProcess, BundleSchedule } from './bundle-launch.ts';
import { refuseMakingDevices } from './devices.ts';

/** PER_* of personality(2). */
const PERSONALITIES = { LINUX: 0, LINUX32: 8 } as const;
const MAX_U64 = 2n ** 64n - 1n;

/** What holds for every process of a container. */
export interface Confinement {
  /** Null runs unconfined. */
  readonly seccomp: OciSeccomp | null;
  /** Only the devices it is given may be used. */
  readonly deniesDevices: boolean;
  readonly personality: { readonly domain: keyof typeof PERSONALITIES } | null;
}

/** Decides everything about one process. @throws BackendError `invalid-spec` for what cannot be. */
export function launchProcessOf(
  process: BundleProcess,
  confinement: Confinement,
  labels: Pick<Labels, 'apparmorProfile' | 'selinuxLabel'>,
): BundleLaunchProcess {
  const sets = process.capabilities;
  return {
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    user: process.user,
    capabilities: {
      bounding: capabilityBits(sets?.bounding ?? []),
      effective: capabilityBits(sets?.effective ?? []),
      permitted: capabilityBits(sets?.permitted ?? []),
      inheritable: capabilityBits(sets?.inheritable ?? []),
      ambient: capabilityBits(sets?.ambient ?? []),
    },
    hasNoNewPrivileges: process.noNewPrivileges,
    oomScoreAdj: process.oomScoreAdj ?? null,
    rlimits: process.rlimits.map(({ type, soft, hard }) => ({
      resource: rlimitNumber(type),
      soft: unsigned64(soft),
      hard: unsigned64(hard),
    })),
    seccompFilter: filterOf(process, confinement),
    apparmorProfile: labels.apparmorProfile,
    selinuxLabel: labels.selinuxLabel,
    personality: confinement.personality === null ? null : PERSONALITIES[confinement.personality.domain],
    terminalSize: { rows: process.consoleSize?.height ?? 0, columns: process.consoleSize?.width ?? 0 },
    schedule: scheduleOf(process),
  };
}

function scheduleOf({ scheduler, ioPriority, execCPUAffinity }: BundleProcess): BundleSchedule {
  return {
    scheduler: scheduler === undefined ? null : attributesOf(scheduler),
    ioPriority: ioPriority === undefined ? null : ioPriorityNumber(ioPriority),
    firstCpus: cpuBits(execCPUAffinity?.initial ?? ''),
    cpus: cpuBits(execCPUAffinity?.final ?? ''),
  };
}

function attributesOf({ policy, flags, runtime, deadline, period, ...others }: Scheduler): BundleSchedule['scheduler'] {
  const times = { runtime: BigInt(runtime), deadline: BigInt(deadline), period: BigInt(period) };
  return { ...others, ...times, policy: policyNumber(policy), flags: schedulerFlags(flags) };
}

function filterOf(process: BundleProcess, { seccomp, deniesDevices }: Confinement): Uint8Array {
  const isRefused = deniesDevices && process.capabilities?.bounding.includes('CAP_MKNOD') === true;
  const profile = isRefused ? refuseMakingDevices(seccomp) : seccomp;
  return profile === null ? new Uint8Array() : compileSeccomp(profile);
}

/** JSON's numbers round 2^64-1, which means no limit, up by one. */
function unsigned64(value: number): bigint {
  return value >= Number(MAX_U64) ? MAX_U64 : BigInt(value);
}
