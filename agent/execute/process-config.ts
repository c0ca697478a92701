import { join } from 'node:path/posix';
import type { Container, SecurityContext } from '../../manifests/index.ts';
import type { OciProcess } from '../../native/index.ts';
import type { ImageConfig } from '../images/image-source.ts';
import type { ImageUser } from './image-user.ts';

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Every capability of Linux 6.x, for `ALL` (capabilities(7)). */
const ALL_CAPABILITIES: readonly string[] = [
  'AUDIT_CONTROL',
  'AUDIT_READ',
  'AUDIT_WRITE',
  'BLOCK_SUSPEND',
  'BPF',
  'CHECKPOINT_RESTORE',
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'IPC_LOCK',
  'IPC_OWNER',
  'KILL',
  'LEASE',
  'LINUX_IMMUTABLE',
  'MAC_ADMIN',
  'MAC_OVERRIDE',
  'MKNOD',
  'NET_ADMIN',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_RAW',
  'PERFMON',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYSLOG',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_CHROOT',
  'SYS_MODULE',
  'SYS_NICE',
  'SYS_PACCT',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'WAKE_ALARM',
];

/** What the program gets: image defaults overlaid by the manifest, as Kubernetes combines them. */
export function processConfig(container: Container, image: ImageConfig, user: ImageUser, hostname: string): OciProcess {
  const security = container.securityContext;
  return {
    args: commandLine(container, image),
    env: environment(container, image, hostname),
    // An image may name it relative to its root.
    cwd: container.workingDir ?? join('/', image.workingDir),
    user: { uid: user.uid, gid: user.gid, umask: 0o022, additionalGids: groupsOf(security, user) },
    capabilities: grantedCapabilities(container).map((name) => `CAP_${name}`),
    noNewPrivileges: !security.allowPrivilegeEscalation,
    oomScoreAdj: 0,
    rlimits: container.rlimits.map(({ name, soft, hard }) => ({ type: `RLIMIT_${name.toUpperCase()}`, soft, hard })),
    ...labelsOf(security),
  };
}

function groupsOf(security: SecurityContext, user: ImageUser): readonly number[] {
  return [...new Set([...security.supplementalGroups, ...(user.groups ?? [])])].sort((a, b) => a - b);
}

function labelsOf({
  appArmorProfile,
  seLinuxOptions: label,
}: SecurityContext): Pick<OciProcess, 'apparmorProfile' | 'selinuxLabel'> {
  return {
    ...(appArmorProfile === null ? {} : { apparmorProfile: appArmorProfile }),
    ...(label === null ? {} : { selinuxLabel: `${label.user}:${label.role}:${label.type}:${label.level}` }),
  };
}

/** `command` replaces the image's Entrypoint and drops its Cmd; `args` replaces the Cmd. */
function commandLine(container: Container, image: ImageConfig): readonly string[] {
  const entrypoint = container.command ?? image.entrypoint;
  const rest = container.args ?? (container.command === null ? image.cmd : []);
  return [...entrypoint, ...rest];
}

function environment(container: Container, image: ImageConfig, hostname: string): readonly string[] {
  const merged = new Map<string, string>();
  for (const entry of [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...image.env]) {
    merged.set(entry.slice(0, Math.max(0, entry.indexOf('='))), entry);
  }
  for (const { name, value } of container.env) merged.set(name, `${name}=${value}`);
  merged.delete('');
  return [...merged.values()];
}

/** As the container runtimes of Kubernetes have it: `ALL` is added, then dropped, then each name added, then dropped. */
function grantedCapabilities({ securityContext }: Container): readonly string[] {
  if (securityContext.privileged) return ALL_CAPABILITIES;
  const { add, drop } = securityContext.capabilities;
  const hasAll = add.includes('ALL') && !drop.includes('ALL');
  const granted = hasAll ? ALL_CAPABILITIES : add.filter((name) => name !== 'ALL');
  return granted.filter((name) => !drop.includes(name));
}
