import { BackendError } from '../errors.ts';
import type { ContainerLaunch } from '../launch/launch-spec.ts';
import type { OciProcess } from '../oci.ts';

/** Numbers of getrlimit(2) on x86-64 and arm64. */
const RESOURCES: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** @returns the limits by number. @throws BackendError `invalid-spec` for an unknown type or a soft limit above the hard one. */
export function rlimitsOf(process: Pick<OciProcess, 'rlimits'>): ContainerLaunch['rlimits'] {
  return process.rlimits.map(({ type, soft, hard }) => {
    const resource = RESOURCES[type];
    if (resource === undefined || !isLimit(soft) || !isLimit(hard) || soft > hard) {
      const message = `process.rlimits: ${type} ${soft}/${hard}: expected a type such as RLIMIT_NOFILE and whole numbers, soft at most hard`;
      throw new BackendError('invalid-spec', 'check rlimits', message);
    }
    return { resource, soft: BigInt(soft), hard: BigInt(hard) };
  });
}

/** @returns the number of a limit's type. @throws BackendError `invalid-spec` for an unknown one. */
export function rlimitNumber(type: string): number {
  const resource = RESOURCES[type];
  if (resource !== undefined) return resource;
  const message = `process.rlimits: there is no ${JSON.stringify(type)}: expected a type such as RLIMIT_NOFILE`;
  throw new BackendError('invalid-spec', 'check rlimits', message);
}

function isLimit(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
